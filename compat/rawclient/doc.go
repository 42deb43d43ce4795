// Package rawclient is a ZooKeeper client that sends any bytes, even wrong
// ones, and shows every byte that comes back.
//
// It owns one TCP connection and keeps no promises of its own: no pings, no
// reconnection, no matching of replies to requests, no check of what it sends.
// The tests that use it decide all of that. What it does know is how a frame
// is cut, which frame is a notification, and how a connection ends: ErrClosed
// when the server ended it (FIN or RST), ErrTimeout when nothing came in time.
//
// A Conn is used by one goroutine at a time. Its counterpart in ZooKeeper is
// ClientCnxn.java, without everything that class does for its user.
package rawclient
