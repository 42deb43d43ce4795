package coord

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kafkacoord/coord/config"
	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

const (
	// windowBytes of the newest transactions are kept in memory for servers that
	// lag, or more if commitLogCount asks for it.
	windowBytes = 32 << 20
	// myIDBytesMax is what is read of the file myid.
	myIDBytesMax = 64
	// electionWaits, in ms, is the least time between notifications, and the wait
	// for late votes.
	electionWaits = 200
)

// readMyID reads the number of this server from the file myid of the data
// directory (ZooKeeper: QuorumPeerConfig.java setupMyId).
func readMyID(fsys vfs.FS, dataDir string) (wire.PeerID, error) {
	path := filepath.Join(dataDir, "myid")
	file, err := fsys.Open(path)
	if err != nil {
		return 0, fmt.Errorf("coord: read the number of this server: %w; write N of its server.N line into %s", err, path)
	}
	content, err := io.ReadAll(io.LimitReader(file, myIDBytesMax))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 0, fmt.Errorf("coord: read %s: %w", path, err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	id, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("coord: %s holds %q, which is no number; write N of this server's server.N line into it", path, line)
	}
	return wire.PeerID(id), nil
}

// prepareQuorum makes a server with a list of others a member of an ensemble: it
// adds to the state, and prepares the connections. nil: the server stands alone.
func (n *Node) prepareQuorum(state *core.State, r *store.Recovered) (*zab.Config, error) {
	if !n.config.Quorum.Distributed() {
		return nil, n.standsAlone()
	}
	z, err := quorumConfig(n.config, n.self, n.store)
	if err != nil {
		return nil, err
	}
	if err := quorumState(state, n.store, z); err != nil {
		return nil, err
	}
	state.Zxid, state.Floor = r.LastZxid, max(r.SnapshotZxid, 0)
	n.peers = newPeers(n, n.self)
	n.peers.membership = z.Members.Text
	return z, nil
}

// standsAlone refuses to start a server alone that a quorum counts on: it would
// go its own way, and the others theirs.
func (n *Node) standsAlone() error {
	known, err := n.store.Membership()
	if err != nil {
		return fmt.Errorf("coord: read the list of servers agreed on before: %w", err)
	}
	if known.Committed == "" {
		return nil
	}
	m, err := zab.ParseMembership(known.Committed)
	if err != nil || len(m.Voters()) > 1 {
		return fmt.Errorf("coord: this server was part of an ensemble, and the configuration lists no other server;"+
			" alone it would go another way than they: list them again, or, when they are gone for good, remove the file %s",
			filepath.Join(n.config.DataDir, "membership"))
	}
	return nil
}

// membership turns the lines of the configuration into a list of servers.
func membership(q *config.Quorum) (zab.Membership, error) {
	members := make([]zab.Member, 0, len(q.Servers))
	for i := range q.Servers {
		s := &q.Servers[i]
		line := s.String()
		address, client, _ := strings.Cut(line, ";")
		address = strings.TrimSuffix(address, ":"+s.Role.String())
		weight, weighted := q.Weights[s.ID]
		if !weighted {
			weight = 1
		}
		members = append(members, zab.Member{
			ID: wire.PeerID(s.ID), Observer: s.Role == config.RoleObserver, Weight: weight, Address: address, Client: client,
		})
	}
	var groups map[int64][]wire.PeerID
	for _, g := range q.Groups {
		if groups == nil {
			groups = make(map[int64][]wire.PeerID)
		}
		for _, id := range g.Members {
			groups[g.ID] = append(groups[g.ID], wire.PeerID(id))
		}
	}
	m, err := zab.NewMembership(members, groups, q.Version)
	if err != nil {
		return zab.Membership{}, fmt.Errorf("coord: %w", err)
	}
	return m, nil
}

// quorumConfig is what the protocol needs to know. Lists of servers that were
// agreed on before come from the data directory.
func quorumConfig(cfg *config.Config, self wire.PeerID, s *store.Store) (*zab.Config, error) {
	q := &cfg.Quorum
	members, err := membership(q)
	if err != nil {
		return nil, err
	}
	if _, found := members.Member(self); !found {
		return nil, fmt.Errorf("coord: myid is %d, but the configuration has no line server.%d", self, self)
	}
	if q.InitLimit <= 0 || q.SyncLimit <= 0 {
		return nil, errors.New("coord: initLimit and syncLimit must be set, in ticks, when there are several servers")
	}
	z := &zab.Config{
		Self: self, Members: members, Tick: wire.Millis(cfg.TickTime.Milliseconds()),
		InitLimit: q.InitLimit, SyncLimit: q.SyncLimit, ConnectLimit: q.ConnectToLearnerMasterLimit,
		MinNotification: electionWaits, MaxNotification: 60_000, FinalizeWait: electionWaits,
		WindowEntries: q.CommitLogCount, WindowBytes: windowBytes, LogSync: q.SnapshotSizeFactor >= 0,
		ObserverSnapshots: q.MaxConcurrentSnapSyncs, Bootstrap: cfg.ZooKeeperDefaults,
	}
	if z.ConnectLimit <= 0 {
		z.ConnectLimit = z.InitLimit
	}
	setMillis(cfg, "fastleader.minNotificationInterval", &z.MinNotification)
	setMillis(cfg, "fastleader.maxNotificationInterval", &z.MaxNotification)
	if v, _ := cfg.Property("forceSnapshotSync"); v == "true" {
		z.SnapshotSync = true
	}
	known, err := s.Membership()
	if err != nil {
		return nil, fmt.Errorf("coord: read the list of servers agreed on before: %w", err)
	}
	if z.Committed, err = knownList(known.Committed); err == nil {
		z.Pending, err = knownList(known.Pending)
	}
	return z, err
}

func knownList(text string) (*zab.Membership, error) {
	if text == "" {
		return nil, nil
	}
	m, err := zab.ParseMembership(text)
	if err != nil {
		return nil, fmt.Errorf("coord: read the list of servers agreed on before: %w", err)
	}
	return &m, nil
}

func setMillis(cfg *config.Config, key string, to *wire.Millis) {
	if text, ok := cfg.Property(key); ok {
		if v, err := strconv.ParseInt(text, 10, 32); err == nil && v > 0 {
			*to = wire.Millis(v)
		}
	}
}

// quorumState adds what only a member of an ensemble needs of its disk.
func quorumState(state *core.State, s *store.Store, z *zab.Config) error {
	epochs, err := s.Epochs()
	if err != nil {
		return fmt.Errorf("coord: read the epochs: %w", err)
	}
	state.Accepted, state.Current = epochs.Accepted, epochs.Current
	recent, err := s.Recent(z.WindowEntries, z.WindowBytes)
	if err != nil {
		return fmt.Errorf("coord: read the newest transactions: %w", err)
	}
	for i := range recent {
		state.Recent = append(state.Recent, core.Entry{Zxid: recent[i].Zxid, Payload: recent[i].Payload})
	}
	return nil
}

// electionTimeout is how long another server may take to say who it is.
func electionTimeout(cfg *config.Config) time.Duration {
	if t := cfg.Quorum.ElectionReadTimeout; t > 0 {
		return t
	}
	return cfg.TickTime * time.Duration(cfg.Quorum.SyncLimit)
}
