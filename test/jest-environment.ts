import { TestEnvironment } from "jest-environment-node";

/**
 * Jest's Node environment with the typed arrays of the outer realm.
 *
 * Native modules (TensorFlow's binding, sharp) make and check typed arrays of the realm they were
 * loaded in, so that `instanceof Float32Array` is false for Jest's own.
 */
export default class NativeRealmEnvironment extends TestEnvironment {
  override async setup(): Promise<void> {
    await super.setup();
    Object.assign(this.global, {
      ArrayBuffer,
      Float32Array,
      Float64Array,
      Int8Array,
      Int16Array,
      Int32Array,
      Uint8Array,
      Uint8ClampedArray,
      Uint16Array,
      Uint32Array,
    });
  }
}
