package prep

// overQuota tells whether a write that adds so many nodes and bytes at path
// goes beyond a hard limit of the deepest enclosing quota. Soft limits refuse
// nothing, and a number that the write leaves alone is not looked at. As in
// ZooKeeper the usage is that of the tree: pending changes do not count.
// ZooKeeper: ZooKeeperServer.java checkQuota.
func (p *Prep) overQuota(path string, nodes, bytes int64) bool {
	if !p.config.EnforceQuota {
		return false
	}
	_, limit, usage, ok := p.tree.QuotaOf(path)
	if !ok {
		return false
	}
	return over(limit.CountHard, usage.Count, nodes) || over(limit.BytesHard, usage.Bytes, bytes)
}

func over(limit, used, added int64) bool {
	return limit > -1 && added != 0 && used+added > limit
}
