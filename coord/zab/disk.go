package zab

import "kafkacoord/coord/wire"

// disk is what Node knows of the orders it has given and their completion.
type disk struct {
	waiting []diskWait // orders but appends that are not reported, oldest first
	cuts    int        // how many of them shorten or replace the log
	// durable is the part of the present log that is known to be on disk.
	durable wire.Zxid
}

// diskWait is an order whose completion is awaited.
type diskWait struct {
	end  wire.Zxid // of the log when the order has been carried out
	cut  bool
	then func(*Output) // nil: nobody waits
}

// order gives an order that is no append; then is called when it is done. Who
// waits must check that the role he had is still his.
func (n *Node) order(o DiskOrder, out *Output, then func(*Output)) {
	out.Disk = append(out.Disk, o)
	w := diskWait{end: n.history.last, then: then, cut: o.Kind == DiskTruncate || o.Kind == DiskInstall}
	if w.cut {
		n.disk.cuts++
		n.disk.durable = min(n.disk.durable, w.end)
	}
	n.disk.waiting = append(n.disk.waiting, w)
}

// orderEpochs replaces the epochs. They count at once for what this server says
// of itself, which is no promise; what is one waits for the order.
func (n *Node) orderEpochs(accepted, current int64, out *Output, then func(*Output)) {
	n.accepted, n.current = accepted, current
	n.order(DiskOrder{Kind: DiskEpochs, Accepted: accepted, Current: current}, out, then)
}

// orderMembership stores the lists as they are now.
func (n *Node) orderMembership(out *Output) {
	n.order(DiskOrder{Kind: DiskMembership, Committed: n.quorums.committed, Pending: n.quorums.pending}, out, nil)
}

// appendEntry puts an entry at the end of the log.
func (n *Node) appendEntry(e Entry, out *Output) {
	n.history.add(e)
	out.Disk = append(out.Disk, DiskOrder{Kind: DiskAppend, Entry: e})
}

// written notes that the appends up to z are durable. As long as the log is to
// be cut, a report may be about entries that are cut off.
func (d *disk) written(z wire.Zxid) {
	if d.cuts > 0 {
		for i := range d.waiting {
			if d.waiting[i].cut {
				z = min(z, d.waiting[i].end)
			}
		}
	}
	d.durable = max(d.durable, z)
}

// done takes the oldest order off the list. All appends before it are durable.
func (d *disk) done() (w diskWait, ok bool) {
	if len(d.waiting) == 0 {
		return diskWait{}, false
	}
	w = d.waiting[0]
	d.waiting = append(d.waiting[:0], d.waiting[1:]...)
	if w.cut {
		d.cuts--
	}
	d.written(w.end)
	return w, true
}
