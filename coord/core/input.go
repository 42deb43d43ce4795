package core

import (
	"net/netip"

	"kafkacoord/coord/watch"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// ConnID numbers a client connection: small, dense, reused after the
// connection's end was stepped.
type ConnID = watch.ConnID

// Input is what happened since the last turn. The core keeps nothing of it
// after Step returns.
type Input struct {
	Now  wire.Millis // wall clock
	Mono wire.Millis // monotonic clock, from any origin

	Opened  []Opened
	Batches []Batch
	Closed  []ConnID
	// Ready are connections of an earlier Output.Full whose bytes are on their
	// way: they go on.
	Ready []ConnID

	// Durable is the newest transaction that the log has made durable.
	Durable wire.Zxid

	// Peers is what happened between this server and others, in order.
	Peers []PeerEvent
	// DiskDone are the orders of Output.Disk carried out since the last turn.
	DiskDone []DiskDone
}

// Opened tells of a new connection.
type Opened struct {
	Conn   ConnID
	Remote netip.AddrPort
	Secure bool
}

// Batch is what one read of a connection's socket brought: whole frames with
// their length prefixes. The reader waits for the batch to be released before
// it submits more than one further batch.
type Batch struct {
	Conn   ConnID
	Frames []byte
}

// Output is what the host must do after a turn. Its slices, and the bytes in
// Replies, are valid until the next Step.
type Output struct {
	// Append goes to the log, in order. The entries may be sent to peers at
	// once, but nothing may be acknowledged before Input.Durable says so.
	Append []Entry
	// Replies has one element for each connection with bytes to send or an
	// order to close.
	Replies []Reply
	// Full are connections that were answered a lot in this turn and have more to
	// come: tell Input.Ready when the client has taken most of it.
	Full []ConnID
	// Release are connections whose batch is consumed: they may read on.
	Release []ConnID
	// Notes are lines for the log.
	Notes []Note

	// Disk are further orders for the log writer, in order; see DiskOrder.At.
	Disk []DiskOrder
	// Ballots are election messages: only the newest to each server matters.
	Ballots []zab.Ballot
	// Sends are packets for links, to be sent in order.
	Sends []PeerSend
	// Dial asks for a link to the quorum port of a server; 0: no.
	Dial wire.PeerID
	// CloseLinks are links to close at once; what waits to be sent on them is dropped.
	CloseLinks []zab.LinkID
	// ReadLog asks for entries of the log on disk.
	ReadLog []zab.LogRange
	// Listen is whether the quorum port must be open.
	Listen bool
}

func (o *Output) reset() {
	clear(o.Append)
	clear(o.Replies)
	clear(o.Notes)
	o.Append, o.Replies, o.Notes = o.Append[:0], o.Replies[:0], o.Notes[:0]
	o.Full, o.Release = o.Full[:0], o.Release[:0]
	clear(o.Disk)
	clear(o.Sends)
	o.Disk, o.Ballots, o.Sends, o.Dial = o.Disk[:0], o.Ballots[:0], o.Sends[:0], 0
	o.CloseLinks, o.ReadLog = o.CloseLinks[:0], o.ReadLog[:0]
}

// Entry is one transaction in its final encoding: header, body and digest.
type Entry = zab.Entry

// Reply is what a connection must send, and whether it ends after that.
type Reply struct {
	Conn  ConnID
	Bytes []byte
	Close bool
}

// Note is a log line: a text and key-value pairs.
type Note struct {
	Warn bool
	Text string
	Args []any
}
