package coord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"kafkacoord/coord/admin"
	"kafkacoord/coord/auth"
	"kafkacoord/coord/clientnet"
	"kafkacoord/coord/config"
	"kafkacoord/coord/core"
	"kafkacoord/coord/prep"
	"kafkacoord/coord/replica"
	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// Option changes how a node is started.
type Option func(*options)

type options struct {
	log *slog.Logger
	fs  vfs.FS
}

// WithLogger sends the server's log lines to l instead of nowhere.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// WithFS keeps the server's files in fs instead of on disk.
func WithFS(fs vfs.FS) Option { return func(o *options) { o.fs = fs } }

// Node is a running server.
type Node struct {
	config  *config.Config
	log     *slog.Logger
	started time.Time

	opened   []func() error // how to close what is open, in the order it was opened
	store    *store.Store
	replica  *replica.Replica
	clients  *clientnet.Server
	listener net.Listener
	observer *observer
	web      webServers
	self     wire.PeerID // 1 for a server that stands alone
	peers    *peers      // nil for a server that stands alone

	whitelist admin.Whitelist // of four-letter words

	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed
	tasks  sync.WaitGroup
}

// Start recovers the data directory, opens the listeners and serves until ctx
// ends or Stop is called. Errors of the configuration, the data and the
// listeners come back at once; later ones come from Wait.
func Start(ctx context.Context, cfg *config.Config, opts ...Option) (*Node, error) {
	o := options{log: slog.New(slog.DiscardHandler)}
	for _, f := range opts {
		f(&o)
	}
	n := &Node{config: cfg, log: o.log, started: time.Now(), done: make(chan struct{})}
	if err := refuseUnprotected(cfg); err != nil {
		return nil, err
	}
	if err := n.assemble(ctx, o.fs); err != nil {
		for _, undo := range slices.Backward(n.opened) {
			err = errors.Join(err, undo())
		}
		return nil, err
	}
	n.serve(ctx)
	return n, nil
}

// refuseUnprotected keeps a server from starting that would do in the clear what
// its configuration wants protected.
func refuseUnprotected(cfg *config.Config) error {
	const (
		noTLS  = "this version has no TLS between servers; remove the key if votes and data may travel in the clear"
		noSASL = "this version has no SASL between servers; remove the key if whoever reaches the ports may vote and read the data"
	)
	q := &cfg.Quorum
	ensemble := q.Distributed()
	var refused []error
	for _, k := range []struct {
		set       bool
		key, text string
	}{
		{cfg.SecureClientPort != 0, "secureClientPort", "this version does not serve TLS; remove the key rather than serve in the clear"},
		{ensemble && q.SSL, "sslQuorum", noTLS},
		{ensemble && q.SASL, "quorum.auth.enableSasl", noSASL},
		{ensemble && q.ServerRequireSASL, "quorum.auth.serverRequireSasl", noSASL},
		{ensemble && q.LearnerRequireSASL, "quorum.auth.learnerRequireSasl", noSASL},
	} {
		if k.set {
			refused = append(refused, &config.Error{File: cfg.File, Key: k.key, Exit: config.ExitInvalidInvocation, Text: k.text})
		}
	}
	return errors.Join(refused...)
}

// assemble opens everything and joins it; what it opened stands in n.opened.
func (n *Node) assemble(ctx context.Context, fsys vfs.FS) error {
	cfg := n.config
	n.self = 1
	registry, err := newRegistry(cfg)
	if err != nil {
		return err
	}
	n.observer = newObserver(cfg)
	n.whitelist = admin.NewWhitelist(cfg.FourLetterWhitelist, cfg.ReadOnlyMode)
	recovered, err := n.openStore(fsys)
	if err != nil {
		return err
	}
	if err := n.listen(); err != nil {
		return err
	}
	clock := replica.Clock{Start: n.started}
	state := core.State{Tree: recovered.Tree, Sessions: recovered.Sessions, Zxid: max(recovered.LastZxid, 0)}
	quorum, err := n.prepareQuorum(&state, recovered)
	if err != nil {
		return err
	}
	c := core.New(coreConfig(cfg, n.self, quorum), registry, state, clock.Now(), clock.Mono())
	n.observer.recovered(recovered)
	n.replica = replica.New(c, n.store, clock, replicaOptions(cfg, n, recovered))
	n.clients = clientnet.NewServer(host{n}, clientOptions(cfg, n))
	if n.peers != nil {
		n.peers.replica = n.replica
		if err := n.peers.start(ctx, quorum.Members.Voters()); err != nil {
			return err
		}
		n.opened = append(n.opened, func() error { n.peers.close(); return nil })
	}
	return n.startWeb()
}

// openStore takes the data directory and recovers what it holds.
func (n *Node) openStore(fsys vfs.FS) (*store.Recovered, error) {
	cfg := n.config
	if cfg.Quorum.Distributed() {
		on := fsys
		if on == nil {
			on = vfs.OS()
		}
		var err error
		if n.self, err = readMyID(on, cfg.DataDir); err != nil {
			return nil, err
		}
	}
	if fsys == nil {
		fsys = vfs.OS()
		if err := n.lockDirectories(); err != nil {
			return nil, err
		}
	}
	s, recovered, err := store.Open(fsys, storeOptions(cfg))
	if err != nil {
		return nil, fmt.Errorf("coord: open data directory: %w", err)
	}
	n.store = s
	n.opened = append(n.opened, s.Close)
	if recovered.LastZxid < 0 && !cfg.Quorum.Distributed() {
		return nil, fmt.Errorf("coord: %w: %s is empty and db.autocreate is false: create the file %s to allow an empty start",
			store.ErrNoSnapshot, cfg.DataDir, filepath.Join(cfg.DataLogDir, "initialize"))
	}
	for _, note := range recovered.Notes {
		n.log.Info(note)
	}
	n.log.Info("recovered data", "zxid", recovered.LastZxid.String(), "snapshot", recovered.SnapshotZxid.String(),
		"transactions", recovered.TxnsLoaded, "nodes", recovered.Tree.NumNodes(), "sessions", len(recovered.Sessions),
		"took", recovered.SnapshotTime+recovered.ReplayTime)
	return recovered, nil
}

// lockDirectories keeps other servers away from the data and the log.
func (n *Node) lockDirectories() error {
	dirs := []string{n.config.DataDir}
	if n.config.DataLogDir != n.config.DataDir {
		dirs = append(dirs, n.config.DataLogDir)
	}
	for _, dir := range dirs {
		lock, err := lockDirectory(dir, n.config.DatadirAutocreate)
		if err != nil {
			return err
		}
		if lock != nil {
			n.opened = append(n.opened, lock.Close)
		}
	}
	return nil
}

// listen opens the client port.
func (n *Node) listen() error {
	port := n.config.ClientPort
	if n.config.Listen.RandomClientPort {
		port = 0
	} else if port == 0 {
		n.log.Warn("clientPort is not set: the server runs without a listener for clients")
		return nil
	}
	address := net.JoinHostPort(n.config.ClientPortAddress, strconv.Itoa(port))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("coord: client port %s: %w", address, err)
	}
	n.listener = l
	n.opened = append(n.opened, l.Close)
	return nil
}

// serve starts the goroutines of the node. They end in order: listeners, loop
// and log, connections.
func (n *Node) serve(ctx context.Context) {
	ctx, n.cancel = context.WithCancel(ctx)
	var listening error // of the client port
	if n.listener != nil {
		n.log.Info("serving clients", "address", n.listener.Addr().String())
		n.tasks.Go(func() {
			if err := n.clients.Serve(ctx, n.listener); err != nil {
				n.log.Error("the client port failed", "error", err)
				listening = err
				n.cancel()
			}
		})
	}
	go func() {
		n.err = n.replica.Run(ctx)
		n.cancel()
		if n.peers != nil {
			n.peers.close() // the others must notice at once
		}
		n.clients.Close()
		n.web.close()
		n.tasks.Wait()
		if n.err == nil {
			n.err = listening
		}
		for _, undo := range slices.Backward(n.opened) {
			_ = undo() // what ended in order is closed already
		}
		close(n.done)
	}()
}

// ClientAddr is the address that clients connect to; empty without a client
// port.
func (n *Node) ClientAddr() string {
	if n.listener == nil {
		return ""
	}
	return n.listener.Addr().String()
}

// Stop ends the server gracefully: what is durable is answered, the log closed.
// It returns what Wait returns.
func (n *Node) Stop() error {
	n.cancel()
	return n.Wait()
}

// Wait returns when the server has ended: nil after Stop or the end of Start's
// context, else the reason, such as an error of the log's disk.
func (n *Node) Wait() error {
	<-n.done
	return n.err
}

// Snapshot starts a snapshot, if none is being written, and returns without
// waiting for it.
func (n *Node) Snapshot() { n.replica.Snapshot() }

// host joins connections to the loop.
type host struct{ n *Node }

func (h host) Open(c *clientnet.Conn, remote netip.AddrPort) (clientnet.ConnID, bool) {
	id, ok := h.n.replica.Open(c, core.Opened{Remote: remote})
	return clientnet.ConnID(id), ok
}

func (h host) Submit(id clientnet.ConnID, frames []byte) { h.n.replica.Submit(core.ConnID(id), frames) }

func (h host) Ready(id clientnet.ConnID) { h.n.replica.Ready(core.ConnID(id)) }

func (h host) Close(id clientnet.ConnID) { h.n.replica.Close(core.ConnID(id)) }

func millis(d time.Duration) int32 { return int32(min(d.Milliseconds(), 1<<31-1)) }

func newRegistry(cfg *config.Config) (*auth.Registry, error) {
	r, err := auth.New(auth.Config{
		DigestEnabled: cfg.Digest.Enabled, DigestAlgorithm: cfg.Digest.Algorithm, SuperDigest: cfg.Digest.Super,
		SkipACL: cfg.SkipACL, EnforceAuth: cfg.EnforceAuth.Enabled, EnforceSchemes: cfg.EnforceAuth.Schemes,
	})
	if err != nil {
		return nil, fmt.Errorf("coord: configure authentication: %w", err)
	}
	return r, nil
}

func coreConfig(cfg *config.Config, self wire.PeerID, quorum *zab.Config) core.Config {
	return core.Config{
		ServerID: uint8(self), Quorum: quorum, Tick: wire.Millis(cfg.TickTime.Milliseconds()),
		MinSessionTimeout: millis(cfg.MinSessionTimeout), MaxSessionTimeout: millis(cfg.MaxSessionTimeout),
		OutstandingLimit: cfg.GlobalOutstandingLimit, TxnBytes: cfg.MaxBuffer + cfg.MaxBufferExtra,
		Container: core.ContainerConfig{
			CheckInterval: wire.Millis(cfg.Container.CheckInterval.Milliseconds()),
			MaxPerMinute:  cfg.Container.MaxPerMinute, NeverUsed: cfg.Container.MaxNeverUsed.Milliseconds(),
		},
		Throttle: throttleConfig(&cfg.ConnectionThrottle),
		Prep: prep.Config{
			ExtendedTypes: cfg.ExtendedTypes, Digest: cfg.DigestEnabled, CloseSessionTxn: cfg.CloseSessionTxn,
			EnforceQuota: cfg.EnforceQuota, Standalone: quorum == nil, ReconfigEnabled: cfg.Quorum.ReconfigEnabled,
		},
	}
}

// throttleConfig applies the weights of sessions, which scale the bucket too.
func throttleConfig(t *config.ConnectionThrottle) core.ThrottleConfig {
	c := core.ThrottleConfig{
		Tokens: t.Tokens, FillTime: wire.Millis(t.FillTime.Milliseconds()), FillCount: t.FillCount,
		NewCost: 1, RenewCost: 1, FreezeTime: wire.Millis(t.FreezeTime.Milliseconds()),
		DropIncrease: t.DropIncrease, DropDecrease: t.DropDecrease, DropNothing: t.DecreaseRatio,
	}
	if t.WeightEnabled {
		c.NewCost, c.RenewCost = t.GlobalWeight, t.RenewWeight
		c.Tokens *= t.GlobalWeight
		c.FillCount *= t.GlobalWeight
	}
	if t.FreezeTime < 0 {
		c.FreezeTime = -1
	}
	return c
}

func storeOptions(cfg *config.Config) store.Options {
	orOff := func(v int64) int64 {
		if v <= 0 {
			return -1
		}
		return v
	}
	return store.Options{
		DataDir: cfg.DataDir, LogDir: cfg.DataLogDir,
		PreallocBytes: orOff(cfg.PreAllocSize), SnapCount: int64(cfg.SnapCount),
		SnapSizeBytes: orOff(cfg.SnapSizeLimit), LogSizeBytes: max(cfg.TxnLogSizeLimit, 0),
		MaxRecordBytes: cfg.MaxBuffer + cfg.MaxBufferExtra, Compression: store.Compression(cfg.SnapshotCompression),
		NoSync: !cfg.ForceSync, NoAutoCreateDirs: !cfg.DatadirAutocreate, NoAutoCreateData: !cfg.DBAutocreate,
		TrustEmpty: cfg.TrustEmptySnapshot, AcceptGaps: cfg.AcceptGaps, OmitLastZxid: !cfg.SerializeLastZxid,
		Tree: tree.Options{ExtendedTypes: cfg.ExtendedTypes, Digest: cfg.DigestEnabled},
	}
}

func replicaOptions(cfg *config.Config, n *Node, r *store.Recovered) replica.Options {
	_, chosen := cfg.Property("snapCount") // an operator's choice is kept to the letter
	o := replica.Options{
		Log: n.log, Observer: n.observer, PurgeEvery: cfg.AutoPurge.Interval, PurgeRetain: cfg.AutoPurge.Retain,
		DiskReserve: max(cfg.DiskReserve, 0), SnapshotAtStart: r.TxnsLoaded > 0,
		PutOffSnapshots: !chosen && !cfg.ZooKeeperDefaults, FsyncWarning: cfg.FsyncWarning,
		LogSyncShare: cfg.Quorum.SnapshotSizeFactor,
	}
	if n.peers != nil {
		o.Peers = n.peers
	}
	return o
}

func clientOptions(cfg *config.Config, n *Node) clientnet.Options {
	return clientnet.Options{
		Limits: clientnet.Limits{
			Frame: cfg.MaxBuffer, Connections: max(cfg.MaxConnections, 0), PerAddress: max(cfg.MaxClientConnections, 0),
			HandshakeWithin: cfg.SessionlessTimeout,
			LargeFrame:      int(cfg.LargeRequest.Threshold), LargeFrames: cfg.LargeRequest.MaxBytes,
		},
		KeepAlive: cfg.TCPKeepAlive, Log: n.log, Counter: n.observer, IsWord: isWord, WordArgument: admin.ArgumentBytes,
	}
}
