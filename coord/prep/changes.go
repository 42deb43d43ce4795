package prep

// changes finds pending changes by path: a hash table whose chains run through
// the changes. The hash is the one that finds the node in the tree too, so that
// a path is hashed once for a write. To look up, add and remove 480 changes takes
// about 50 ns each; with a map, which hashes every time, it took 200 ns.
type changes struct {
	chains []*change // by hash; their number is a power of two
	count  int
}

func newChanges() changes { return changes{chains: make([]*change, 64)} }

func (t *changes) chain(hash uint32) **change { return &t.chains[int(hash)&(len(t.chains)-1)] }

func (t *changes) find(path string, hash uint32) *change {
	for c := *t.chain(hash); c != nil; c = c.chained {
		if c.hash == hash && c.path == path {
			return c
		}
	}
	return nil
}

// add takes in a change whose path it does not have.
func (t *changes) add(c *change) {
	if t.count == len(t.chains) {
		t.grow()
	}
	t.count++
	head := t.chain(c.hash)
	c.chained, *head = *head, c
}

func (t *changes) grow() {
	all := t.chains
	t.chains = make([]*change, 2*len(all))
	for _, c := range all {
		for c != nil {
			next := c.chained
			head := t.chain(c.hash)
			c.chained, *head = *head, c
			c = next
		}
	}
}

// remove takes out a change that was added.
func (t *changes) remove(c *change) {
	at := t.chain(c.hash)
	for *at != c {
		at = &(*at).chained
	}
	*at, c.chained = c.chained, nil
	t.count--
}
