/** Rows of a small square matrix. */
export type Matrix = number[][];

/** Rotations after which a 3×3 matrix is diagonal to double precision, with some to spare. */
const SWEEPS = 30;

/** The symmetric square root of a symmetric positive definite matrix. */
export function squareRoot(matrix: Matrix): Matrix {
  return ofEigenvalues(matrix, (value) => Math.sqrt(Math.max(value, 0)));
}

/** The inverse of a symmetric positive definite matrix. */
export function inverse(matrix: Matrix): Matrix {
  return ofEigenvalues(matrix, (value) => 1 / value);
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => row.map((_, j) => row.reduce((sum, value, k) => sum + value * at(b, k, j), 0)));
}

/** V·f(Λ)·Vᵀ for V·Λ·Vᵀ = matrix. */
function ofEigenvalues(matrix: Matrix, f: (value: number) => number): Matrix {
  const { values, vectors } = eigen(matrix);
  const scaled = vectors.map((row) => row.map((value, j) => value * f(values[j] ?? 0)));
  return multiply(scaled, transpose(vectors));
}

/** Jacobi's method: each rotation makes the largest element off the diagonal zero (Golub & Van Loan, section 8.5). */
function eigen(matrix: Matrix): { values: number[]; vectors: Matrix } {
  let diagonal = matrix;
  let vectors: Matrix = matrix.map((row, i) => row.map((_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const [p, q] = largestOffDiagonal(diagonal);
    if (Math.abs(at(diagonal, p, q)) < Number.EPSILON * Math.abs(at(diagonal, p, p))) {
      break;
    }
    const angle = 0.5 * Math.atan2(2 * at(diagonal, p, q), at(diagonal, q, q) - at(diagonal, p, p));
    const rotation = matrix.map((row, i) =>
      row.map((_, j) => {
        if (i === j) {
          return i === p || i === q ? Math.cos(angle) : 1;
        }
        return i === p && j === q ? Math.sin(angle) : i === q && j === p ? -Math.sin(angle) : 0;
      }),
    );
    diagonal = multiply(multiply(transpose(rotation), diagonal), rotation);
    vectors = multiply(vectors, rotation);
  }
  return { values: diagonal.map((row, i) => row[i] ?? 0), vectors };
}

function largestOffDiagonal(matrix: Matrix): [number, number] {
  const pairs = matrix.flatMap((row, i) => row.slice(i + 1).map((_, j): [number, number] => [i, i + 1 + j]));
  const size = ([i, j]: [number, number]) => Math.abs(at(matrix, i, j));
  return pairs.reduce((best, pair) => (size(pair) > size(best) ? pair : best));
}

const transpose = (matrix: Matrix): Matrix => matrix.map((row, i) => row.map((_, j) => at(matrix, j, i)));
const at = (matrix: Matrix, i: number, j: number): number => matrix[i]?.[j] ?? Number.NaN;
