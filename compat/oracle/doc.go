// Package oracle compares two servers: it runs the same random sequences of
// client operations against both in lock step and reports the first thing that
// differs.
//
// A sequence is made from a seed alone: several sessions on several
// connections, every client operation but sasl and reconfig, right and wrong,
// on a small set of paths so that collisions are frequent. Both servers get a
// batch, then every other connection is pinged, so that all watch events of the
// batch have arrived; then the two transcripts are compared: replies field by
// field, zxids as steps, stats, watch events per connection in their order
// among the replies, connections that were closed.
//
// What two correct servers may do differently is normalised: session ids,
// clock times, the order of children and of the ids of one identity. What they
// must do the same is kept: each transaction has one time, a znode never
// changed has ctime = mtime, sessions keep their password function.
//
// A seed runs below a root znode of its own and cleans up after itself, so
// nothing else may write to either server meanwhile. Differences that are
// wanted stand in the table Differences with their reason; all others are bugs
// of one of the two. The package is to kafkacoord what xchk is to etcd-io/zetcd.
package oracle
