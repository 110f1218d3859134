/**
 * What others only read, as its owner writes it. An object that is made many times, or read for
 * each delivery, has plain properties and no getters: V8 keeps a literal with getters as a
 * dictionary, which is slow to read and takes 300 bytes.
 */
export type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }
