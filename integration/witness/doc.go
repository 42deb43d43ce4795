// Package witness puts a constant load of writes on a server or an ensemble and
// remembers what was acknowledged, so that it can be looked for afterwards.
//
// Several sessions write, each in turn a new znode and a new version of a
// counter. A write whose outcome a client does not know, because its connection
// broke, is looked up or sent again until the outcome is known. A session that
// expires ends its writer and is counted: a server that is replaced or killed
// must not let that happen. The zxids that a session is told must only grow.
package witness
