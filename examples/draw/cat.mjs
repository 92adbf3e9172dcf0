import sharp from "sharp";
import { randomNumbers, valueNoise } from "./noise.mjs";

/**
 * Draws a ginger tabby in a dim green room: shapes with soft shading, covered by some ten thousand hairs. Each hair has the
 * colour of the shape below it and follows the direction of the fur.
 * @param {number} size of the square, in pixels; coordinates are for 640
 */
export async function drawCat(size) {
  const fur = svg(size, `${DEFINITIONS}${BODY}${EARS}${HEAD}${MARKINGS}`);
  const { data } = await sharp(fur)
    .resize(640, 640)
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const layers = [fur, svg(size, hairs(data)), svg(size, `${DEFINITIONS}${FACE}`)];
  return sharp(svg(size, `${DEFINITIONS}${ROOM}`))
    .composite(layers.map((input) => ({ input })))
    .removeAlpha();
}

/** @param {number} size @param {string} content */
const svg = (size, content) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 640 640">${content}</svg>`,
  );

const stops = (...colors) =>
  colors
    .map(
      ([offset, color, opacity = 1]) =>
        `<stop offset="${offset}" stop-color="${color}" stop-opacity="${opacity}"/>`,
    )
    .join("");

const DEFINITIONS = `<defs>
  <linearGradient id="wall" x2="0.6" y2="1">${stops([0, "#5d8a86"], [0.55, "#2f5a5c"], [1, "#14292f"])}</linearGradient>
  <radialGradient id="light" cx="0.2" cy="0.15" r="0.75">${stops([0, "#f6edc8", 0.85], [0.5, "#d9d7a0", 0.25], [1, "#d9d7a0", 0])}</radialGradient>
  <radialGradient id="head" cx="0.42" cy="0.34" r="0.72">${stops([0, "#f6bd72"], [0.55, "#e08f3e"], [1, "#a8571d"])}</radialGradient>
  <radialGradient id="body" cx="0.42" cy="0.25" r="0.8">${stops([0, "#eba357"], [0.6, "#c4732c"], [1, "#7a3d14"])}</radialGradient>
  <radialGradient id="bib" cx="0.5" cy="0.3" r="0.7">${stops([0, "#fffaf0"], [0.7, "#f2ddc0"], [1, "#e0b685", 0.2])}</radialGradient>
  <linearGradient id="inner" x2="0" y2="1">${stops([0, "#b86a5c"], [1, "#e6a896"])}</linearGradient>
  <radialGradient id="iris" cx="0.5" cy="0.62" r="0.6">${stops([0, "#e9e36a"], [0.55, "#9dbb3c"], [0.85, "#4c7a2a"], [1, "#1f3a16"])}</radialGradient>
  <linearGradient id="nose" x2="0" y2="1">${stops([0, "#e98f86"], [1, "#b45a58"])}</linearGradient>
  <filter id="soft2" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="2"/></filter>
  <filter id="soft8" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="8"/></filter>
  <filter id="soft24" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="24"/></filter>
</defs>`;

const ROOM = `<rect width="640" height="640" fill="url(#wall)"/>
  <g filter="url(#soft24)">
    <rect x="40" y="-20" width="150" height="250" fill="#f3edc9" opacity="0.75"/>
    <rect x="108" y="-20" width="12" height="250" fill="#3c5a50" opacity="0.8"/>
    <path d="M470 640 C480 420 560 300 640 240 L640 640 Z" fill="#1f4a35"/>
    <ellipse cx="560" cy="250" rx="60" ry="26" fill="#4f8a4b" transform="rotate(-38 560 250)"/>
    <ellipse cx="600" cy="350" rx="70" ry="26" fill="#3f7a45" transform="rotate(-60 600 350)"/>
    <ellipse cx="500" cy="150" rx="50" ry="20" fill="#5c9a58" transform="rotate(-20 500 150)"/>
    <rect y="560" width="640" height="90" fill="#4a2f22"/>
  </g>
  <rect width="640" height="640" fill="url(#light)"/>
  <ellipse cx="340" cy="640" rx="290" ry="70" fill="#0c1414" opacity="0.5" filter="url(#soft24)"/>`;

const BODY = `<path d="M150 640 C120 520 170 420 235 385 L405 385 C470 420 520 520 490 640 Z" fill="url(#body)"/>
  <path d="M250 400 C225 470 240 580 275 640 L365 640 C400 580 415 470 390 400 Z" fill="url(#bib)" filter="url(#soft8)"/>
  <g stroke="#7a3a12" stroke-linecap="round" fill="none" stroke-width="13" opacity="0.75" filter="url(#soft2)">
    <path d="M172 500 C195 505 212 520 222 540"/><path d="M160 545 C186 550 206 566 216 590"/><path d="M155 592 C180 598 200 612 210 632"/>
    <path d="M468 500 C445 505 428 520 418 540"/><path d="M480 545 C454 550 434 566 424 590"/><path d="M485 592 C460 598 440 612 430 632"/>
  </g>
  <path d="M215 400 C260 450 380 450 425 400 C400 470 240 470 215 400Z" fill="#3a1a08" opacity="0.45" filter="url(#soft8)"/>`;

const EAR = `<path d="M176 236 C160 170 158 110 172 62 C176 50 186 50 196 58 C238 92 274 130 296 176 Z" fill="url(#head)"/>
  <path d="M194 206 C184 160 182 122 188 92 C216 116 240 146 258 178 Z" fill="url(#inner)"/>
  <path d="M176 236 C160 170 158 110 172 62 C176 50 186 50 196 58" fill="none" stroke="#8a4616" stroke-width="7" opacity="0.7" filter="url(#soft2)"/>`;
const mirrored = (content) => `${content}<g transform="matrix(-1 0 0 1 640 0)">${content}</g>`;

const EARS = mirrored(EAR);

const HEAD = `<path d="M320 138 C388 136 446 166 468 226 C478 254 492 288 496 318 C500 352 468 390 424 408 C392 424 356 436 320 436
    C284 436 248 424 216 408 C172 390 140 352 144 318 C148 288 162 254 172 226 C194 166 252 136 320 138 Z" fill="url(#head)"/>
  <ellipse cx="320" cy="250" rx="20" ry="100" fill="#f9cf94" opacity="0.55" filter="url(#soft8)"/>
  <ellipse cx="274" cy="378" rx="62" ry="48" fill="#fff6e8" opacity="0.95" filter="url(#soft8)"/>
  <ellipse cx="366" cy="378" rx="62" ry="48" fill="#fff6e8" opacity="0.95" filter="url(#soft8)"/>
  <ellipse cx="320" cy="418" rx="44" ry="24" fill="#fff3e0" filter="url(#soft8)"/>
  ${mirrored(`<ellipse cx="246" cy="240" rx="34" ry="12" fill="#fbdcae" opacity="0.8" filter="url(#soft8)"/>
    <ellipse cx="250" cy="320" rx="34" ry="10" fill="#fbdcae" opacity="0.7" filter="url(#soft8)"/>`)}`;

const MARKINGS = `<g stroke="#8a4212" stroke-linecap="round" fill="none" opacity="0.85" filter="url(#soft2)">
  <path d="M320 142 L320 205" stroke-width="10"/>
  ${mirrored(`<path d="M296 146 C292 176 290 196 296 222" stroke-width="11"/>
    <path d="M268 154 C258 178 258 196 264 214" stroke-width="10"/>
    <path d="M240 168 C224 186 220 198 220 214" stroke-width="9"/>
    <path d="M214 270 C194 270 176 276 160 290" stroke-width="10"/>
    <path d="M208 296 C188 304 172 316 156 336" stroke-width="10"/>
    <path d="M206 336 C192 348 182 362 176 378" stroke-width="9"/>`)}
</g>`;

const EYE = `<path d="M206 284 C216 256 244 244 268 256 C284 264 294 280 300 300 C282 312 252 316 232 308 C220 302 210 294 206 284 Z" fill="#2a1408"/>
  <path d="M212 284 C222 262 244 252 264 262 C278 268 287 282 292 297 C276 306 252 309 236 302 C224 297 217 291 212 284 Z" fill="url(#iris)"/>
  <ellipse cx="254" cy="281" rx="9.5" ry="22" fill="#0a0a08"/>
  <path d="M212 284 C222 262 244 252 264 262 C278 268 287 282 292 297 C276 282 240 270 212 284 Z" fill="#12230c" opacity="0.45"/>`;

const FACE = `${mirrored(EYE)}
  <g fill="#ffffff"><circle cx="244" cy="270" r="6.5"/><circle cx="376" cy="270" r="6.5"/>
    <circle cx="264" cy="294" r="2.6" opacity="0.7"/><circle cx="396" cy="294" r="2.6" opacity="0.7"/></g>
  <path d="M296 338 C304 330 336 330 344 338 C346 348 332 362 320 366 C308 362 294 348 296 338 Z" fill="url(#nose)"/>
  <path d="M302 340 C310 334 330 334 338 340" fill="none" stroke="#f7bdb4" stroke-width="4" opacity="0.8"/>
  <g fill="none" stroke="#5a2814" stroke-linecap="round" stroke-width="4.5">
    <path d="M320 366 L320 384"/><path d="M320 384 C312 402 286 404 272 392"/><path d="M320 384 C328 402 354 404 368 392"/></g>
  <g fill="#7a4322">${mirrored(
    [
      [270, 366],
      [256, 374],
      [276, 380],
      [260, 388],
      [244, 382],
    ]
      .map(([x, y]) => `<circle cx="${x}" cy="${y}" r="2.6"/>`)
      .join(""),
  )}</g>
  <g fill="none" stroke="#fffdf6" stroke-linecap="round" stroke-width="2.2" opacity="0.92">
    ${mirrored(`<path d="M266 372 C216 352 150 346 84 352"/><path d="M260 382 C206 376 142 384 78 404"/>
      <path d="M266 392 C222 398 164 420 112 452"/><path d="M236 232 C222 196 196 160 168 138"/><path d="M246 228 C238 196 222 166 204 148"/>`)}</g>`;

/**
 * Hairs over the drawn shapes, as SVG paths.
 * @param {Buffer} base the shapes, 640 × 640 RGBA
 */
function hairs(base) {
  const random = randomNumbers(7);
  const curl = valueNoise(8);
  const paths = [];
  for (let count = 0; count < 16_000; count += 1) {
    const x = 130 + 380 * random();
    const y = 50 + 590 * random();
    const pixel = 4 * (Math.floor(y) * 640 + Math.floor(x));
    if (base[pixel + 3] < 200) continue;
    const angle = furDirection(x, y) + 0.5 * curl(x / 22, y / 22) + 0.35 * (random() - 0.5);
    const length = (y > 430 ? 15 : 9) + 9 * random();
    const light = 0.72 + 0.56 * random();
    const [r, g, b] = [0, 1, 2].map((channel) => Math.min(255, Math.round(base[pixel + channel] * light)));
    const dx = length * Math.cos(angle);
    const dy = length * Math.sin(angle);
    const sway = 3 * (random() - 0.5);
    const at = (value) => value.toFixed(1);
    paths.push(
      `<path d="M${at(x)} ${at(y)}q${at(dx / 2 - sway)} ${at(dy / 2 + sway)} ${at(dx)} ${at(dy)}" stroke="rgb(${r},${g},${b})" stroke-width="${at(0.8 + 1.1 * random())}"/>`,
    );
  }
  return `<g fill="none" stroke-linecap="round" opacity="0.8">${paths.join("")}</g>`;
}

/** The direction of the fur in radians (y down): away from the nose, up along the ears, down over the chest. */
function furDirection(x, y) {
  if (y > 425) return Math.PI / 2 + (x - 320) / 260;
  if (y < 170 && Math.abs(x - 320) > 60) return -Math.PI / 2 + (x - 320) / 500;
  return Math.atan2(y - 325, x - 320);
}
