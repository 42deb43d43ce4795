package core

import "kafkacoord/coord/wire"

// reaper removes containers and TTL nodes that are empty and past their time.
// It looks for candidates once an interval and orders their removal at a bound
// rate; each is validated again when its turn comes.
type reaper struct {
	next  wire.Millis // monotonic: of the next search or removal
	paths []string
	found wire.Millis // of the last search
}

func (c *Core) reap() {
	k := &c.config.Container
	if k.CheckInterval <= 0 || c.mono < c.reaper.next {
		return
	}
	if len(c.reaper.paths) == 0 {
		for r := range c.tree.Expirable(c.now, k.NeverUsed) {
			c.reaper.paths = append(c.reaper.paths, c.tree.Path(r))
		}
		c.reaper.found = c.mono
	}
	if len(c.reaper.paths) > 0 {
		path := c.reaper.paths[0]
		c.reaper.paths = c.reaper.paths[1:]
		c.req = wire.Request{Op: wire.OpDeleteContainer, Path: path}
		c.propose(internal, 0, 0, &c.req, false)
		c.stats.Reaped++
	}
	if len(c.reaper.paths) > 0 {
		c.reaper.next = c.mono + wire.Millis(60_000/max(k.MaxPerMinute, 1))
		return
	}
	c.reaper.paths = nil
	c.reaper.next = c.reaper.found + k.CheckInterval
}
