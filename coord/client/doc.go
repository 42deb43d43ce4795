// Package client is a client of any server that speaks ZooKeeper's protocol.
//
// It owns one session and one connection at a time. Requests are pipelined: any
// number of goroutines may have some outstanding, all that is queued goes out in
// one write, and replies come back in the order of the requests. When the
// connection breaks, it connects to the next server with the same session,
// sends its credentials again and re-arms its watches, so that no change of a
// watched znode is missed; requests that were sent and not answered fail with
// ErrConnectionLoss, those still queued are sent on the new connection. The
// session ends with Close, or when the servers say that it has expired, which
// fails everything with ErrSessionExpired.
//
// Goroutines of a Client: one that connects and then reads, one that writes and
// pings while there is a connection, and one that calls Config.OnEvent. Close
// waits for all of them.
//
// The package retries no request, resolves no conflict and caches no znode. It
// answers to ZooKeeper's ZooKeeper.java, ClientCnxn.java and ZKWatchManager.java.
package client
