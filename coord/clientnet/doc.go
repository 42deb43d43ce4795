// Package clientnet serves client connections: it accepts them within limits,
// tells four-letter words, HTTP and TLS from the client protocol, cuts frames
// out of the stream and writes replies.
//
// A connection has one goroutine, its reader: idle connections hold no buffer.
// Replies are written by the caller of Send without blocking; only when the
// socket takes no more does a writer goroutine start, which ends when the
// backlog is gone. A client that does not read is cut off at a limit.
//
// It answers to ZooKeeper's NIOServerCnxnFactory and NIOServerCnxn.
package clientnet
