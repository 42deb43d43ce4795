package core

import (
	"kafkacoord/coord/session"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/watch"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// The functions here answer questions about a server between two steps; only
// its owner calls them.

// Stats returns the counters. The owner may read them and take its samples.
func (c *Core) Stats() *Stats { return &c.stats }

// ResetStats sets back the counters of packets, latencies and response sizes.
func (c *Core) ResetStats() { c.stats.reset() }

// ResetConnectionStats sets back the counters of every connection.
func (c *Core) ResetConnectionStats() {
	for _, cn := range c.conns {
		if cn != nil {
			established := cn.stats.Established
			cn.stats.start(established)
		}
	}
}

// RefuseWrites makes the server answer writes of clients with NotReadOnly, or
// stops it: its host saw the disk nearly full. Sessions still begin and end.
func (c *Core) RefuseWrites(refuse bool) { c.noWrites = refuse }

// TakeLatencies hands the samples since the last call to f and forgets them.
func (c *Core) TakeLatencies(f func(read, update *Latency)) {
	f(&c.stats.Read, &c.stats.Update)
	for _, l := range []*Latency{&c.stats.Read, &c.stats.Update} {
		l.New, l.Zero = l.New[:0], 0
	}
}

// Outstanding is the number of unanswered requests.
func (c *Core) Outstanding() int { return c.outstanding }

// Role is what this server does in its ensemble; ok is false when it stands
// alone.
func (c *Core) Role() (role zab.Change, ok bool) {
	if c.member == nil {
		return zab.Change{}, false
	}
	return c.member.role, true
}

// Zxid is the last transaction applied.
func (c *Core) Zxid() wire.Zxid { return c.tree.Zxid() }

// Tree is the server's tree, for reading.
func (c *Core) Tree() *tree.Tree { return c.tree }

// Watches is the server's watch table, for reading.
func (c *Core) Watches() *watch.Table { return c.watches }

// Sessions is the server's session table, for reading.
func (c *Core) Sessions() *session.Table { return c.sessions }

// CountWord counts a four-letter word that a connection sent instead of
// requests: it shows in the packet counts of the connection and the server.
func (c *Core) CountWord(id ConnID) {
	if cn := c.conn(id); cn != nil {
		c.stats.Received++
		cn.stats.Received++
		cn.asking = true
	}
}

// ConnInfo describes one connection.
type ConnInfo struct {
	Conn        ConnID
	Asking      bool // it sent a four-letter word
	Remote      string
	Secure      bool
	Outstanding int
	Session     wire.SessionID // 0 before the handshake
	Timeout     int32          // negotiated, ms
	Stats       ConnStats
}

// Connections describes every open connection, by ascending ConnID.
func (c *Core) Connections() []ConnInfo {
	var out []ConnInfo
	for _, cn := range c.conns {
		if cn == nil {
			continue
		}
		info := ConnInfo{
			Conn: cn.id, Asking: cn.asking, Remote: cn.remote, Secure: cn.secure,
			Outstanding: cn.pending.len(), Timeout: cn.timeout, Stats: cn.stats,
		}
		if cn.session != nil {
			info.Session = cn.session.ID
		}
		out = append(out, info)
	}
	return out
}

// SessionOf returns the session of a connection, 0 when it has none.
func (c *Core) SessionOf(id ConnID) wire.SessionID {
	if cn := c.conn(id); cn != nil && cn.session != nil {
		return cn.session.ID
	}
	return 0
}
