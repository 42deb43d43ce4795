// Package store keeps a server's state on disk: transaction logs and snapshots
// in ZooKeeper's version-2 format, byte for byte, so that a Java server can
// open the same directories before and after.
//
// It owns the files log.*, snapshot.*, install.*, acceptedEpoch, currentEpoch
// and their temporary forms below the two version-2 directories, the file
// initialize in the log directory and the file membership in the data directory.
//
// It promises:
//
//   - what [Store.Append] wrote before a successful [Store.Sync] is there after
//     any crash; of what came later any prefix may be, nothing else;
//   - after a failed write or sync the store accepts nothing more, because the
//     page cache cannot be trusted from then on;
//   - a snapshot appears under its name only when it is whole and durable;
//   - damage is told from a torn tail: the tail of the last log file may be
//     cut, everything else stops the start with file and offset;
//   - every length read from a file is bounded before anything is allocated.
//
// It does not decide when to sync, when to snapshot or what to purge, and it
// runs no goroutines: one goroutine, the log writer, owns Append, Sync, Roll,
// ShouldSnapshot, Truncate, Install, the setters of epochs and membership and
// Close; WriteSnapshot and Purge may run on one other goroutine at the same time
// and share nothing with it but the directories. Neither may run beside Truncate
// or Install. A snapshot must not be ahead of what is durable in the log: the log
// would have a hole. The order of events is drawn in DESIGN.md.
//
// It answers to ZooKeeper's FileTxnSnapLog, FileTxnLog, FilePadding, FileSnap,
// SnapStream, PurgeTxnLog and SyncRequestProcessor.
package store
