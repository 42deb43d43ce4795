// Package linearizability records what clients of a real ensemble did and saw,
// while faults strike it, and lets porcupine judge whether one order explains it:
// every operation at one moment between its call and its return.
//
// What is promised so strictly: writes (set, set of an expected version,
// sequential create) and reads that follow a sync on the same session. A read
// without sync may be old, and no such read is recorded. An operation whose answer
// was lost with its connection may have been done at any later moment, or never.
package linearizability
