package store

// roller decides when enough was logged for a snapshot. Half of each limit is
// random so that the servers of an ensemble do not snapshot at one time
// (ZooKeeper: SyncRequestProcessor.shouldSnapshot). Owned by the log writer.
type roller struct {
	options Options

	transactions int64 // since the last roll for a snapshot
	rolledBytes  int64 // size of the files that were rolled since then

	countExtra int64 // in [0, SnapCount/2)
	sizeExtra  int64 // in [0, SnapSizeBytes/2)
}

func newRoller(o Options) roller {
	r := roller{options: o}
	r.reset()
	return r
}

func (r *roller) add(transactions int) { r.transactions += int64(transactions) }

// reset starts a new count with fresh random shares.
func (r *roller) reset() {
	r.transactions, r.rolledBytes = 0, 0
	r.countExtra = r.random(r.options.SnapCount / 2)
	r.sizeExtra = r.random(r.options.SnapSizeBytes / 2)
}

func (r *roller) random(n int64) int64 {
	if n <= 0 {
		return 0
	}
	return r.options.Random(n)
}

func (r *roller) due(currentBytes int64) bool {
	if limit := r.options.SnapCount; limit > 0 && r.transactions > limit/2+r.countExtra {
		return true
	}
	limit := r.options.SnapSizeBytes
	return limit > 0 && r.rolledBytes+currentBytes > limit/2+r.sizeExtra
}
