// Package session keeps client sessions and their deadlines in buckets of one
// tick: create, touch, move to another server, expire.
//
// The table is a passive record with one owner, the server's loop. Time is an
// argument everywhere and must come from a monotonic clock. A touch, which
// every request is, stores one number in the session; the bucket that holds the
// session is put right only when it falls due. A session therefore expires
// after more than its timeout and at most one tick later, always together with
// its whole bucket.
//
// The package does not close sessions: Expire names those that are over and
// marks them closing, and the caller orders a closeSession transaction for each
// and calls Remove when it is applied. Servers that only follow keep the same
// table and never call Expire.
//
// It answers to ZooKeeper's SessionTrackerImpl and ExpiryQueue.
package session
