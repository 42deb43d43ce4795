// Package vfs is the small set of file operations that the server uses, so
// that everything above it can run on a real disk, on a simulated disk that
// loses power, and on a disk that returns errors.
//
// It owns three implementations of [FS]:
//
//   - [OS]: the real file system. [File.Sync] is fdatasync where the platform
//     has it, [FS.SyncDir] fsyncs a directory.
//   - [Memory]: an in-memory file system that keeps apart what was written and
//     what was made durable. A crash keeps nothing, all, or a torn part of
//     what was not synced, directory entries included, decided by a seed.
//   - [Faulty]: a wrapper that fails chosen calls, runs out of space after a
//     number of bytes, or flips bits of what is read.
//
// It promises the weakest durability that POSIX permits: contents are durable
// after [File.Sync], names after [FS.SyncDir] of their directory, nothing else.
// Code that survives [Memory] does not depend on the kindness of one file
// system.
//
// It does not cache, does not lock files and knows nothing of what is stored.
package vfs
