// Package watch holds the watches of this server's connections and says who
// hears of a change.
//
// There are two tables, as in ZooKeeper: data (set by getData, exists and
// addWatch) and child (set by getChildren and addWatch). Per table, path and
// connection there is a set of modes: standard (gone after one event),
// persistent, persistent recursive. Watches belong to connections, not to
// sessions, and have one owner, the server's loop.
//
// One record stands for all modes of one connection on one path, in both
// tables. Records live in slabs and are linked per path and per connection, so
// that every removal takes constant time also where thousands of connections
// watch one path, and the garbage collector sees only the path strings.
//
// The package does not know what a connection is, filters nothing by ACL (it
// hands the list over with the event), replays nothing for setWatches, and sets
// no limit: the caller compares Counts with its own before it adds.
//
// It answers to ZooKeeper's WatchManager, WatchStats and PathParentIterator in
// the form of 3.9: recursive watches are in the data table only.
package watch
