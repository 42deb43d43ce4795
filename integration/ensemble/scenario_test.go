package ensemble_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/store"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/treedump"
	"kafkacoord/integration/witness"
)

const (
	// patience bounds a test's single steps.
	patience = 2 * time.Minute
	// longSession outlives every step on a starved machine; it is the most that the
	// members allow.
	longSession = 2 * time.Minute
	// shortSession is what a test can wait for, and a member under load can keep.
	shortSession = 3 * time.Second
)

// versions are the Java versions that coord forms ensembles with.
var versions = []string{javazk.Newest, "3.8.4", "3.5.10"}

// scenario is an ensemble under test.
type scenario struct {
	t   *testing.T
	ctx context.Context
	*ensemble.Ensemble
}

func start(t *testing.T, kinds ...ensemble.Kind) *scenario {
	t.Helper()
	began := time.Now()
	e := ensemble.StartTest(t, ensemble.Options{Kinds: kinds})
	s := &scenario{t: t, ctx: t.Context(), Ensemble: e}
	t.Logf("%s serve after %v, led by %v", s.kinds(), time.Since(began).Round(time.Millisecond), s.leader())
	return s
}

// within is the scenario in a part of its test.
func (s *scenario) within(t *testing.T) *scenario {
	return &scenario{t: t, ctx: t.Context(), Ensemble: s.Ensemble}
}

func (s *scenario) kinds() string {
	var names []string
	for _, m := range s.Members {
		names = append(names, m.String())
	}
	return strings.Join(names, ", ")
}

// must ends the test on an error.
func (s *scenario) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// eventually waits for a condition.
func (s *scenario) eventually(what string, condition func() error) {
	s.t.Helper()
	s.must(ensemble.Await(s.ctx, what, condition))
}

// leader waits until there is one and all that run serve.
func (s *scenario) leader() *ensemble.Member {
	s.t.Helper()
	leader, err := s.AwaitLeader(s.ctx)
	s.must(err)
	return leader
}

// expectLeader is leader for one that is known.
func (s *scenario) expectLeader(id int) *ensemble.Member {
	s.t.Helper()
	leader := s.leader()
	if leader.ID != id {
		s.t.Fatalf("member %v leads, want %v", leader, s.Member(id))
	}
	return leader
}

// launch starts members that do not run and waits until all serve.
func (s *scenario) launch(members ...*ensemble.Member) *ensemble.Member {
	s.t.Helper()
	for _, m := range members {
		s.must(m.Launch(s.ctx))
	}
	return s.leader()
}

// dial opens a session with one member only; without a timeout it is a long one.
func (s *scenario) dial(m *ensemble.Member, config client.Config) *client.Client {
	s.t.Helper()
	c, err := s.tryDial(m, config)
	if err != nil {
		s.t.Fatalf("member %v: %v", m, err)
	}
	return c
}

func (s *scenario) tryDial(m *ensemble.Member, config client.Config) (*client.Client, error) {
	config.Servers = []string{m.Connect()}
	if config.SessionTimeout == 0 {
		config.SessionTimeout = longSession
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	c, err := client.Dial(ctx, config)
	if err == nil {
		s.t.Cleanup(func() { c.Detach() })
	}
	return c, err
}

// clients opens one session with each member.
func (s *scenario) clients() []*client.Client {
	s.t.Helper()
	var all []*client.Client
	for _, m := range s.Members {
		all = append(all, s.dial(m, client.Config{}))
	}
	return all
}

// create makes a persistent znode.
func (s *scenario) create(c *client.Client, path string) {
	s.t.Helper()
	_, err := c.Create(s.ctx, path, []byte(path), wire.FlagPersistent, nil)
	s.must(err)
}

// seen wants a znode to be there, or not, for a client that has synced.
func (s *scenario) seen(c *client.Client, path string, want bool) wire.Stat {
	s.t.Helper()
	s.must(c.Sync(s.ctx, path))
	stat, found, err := c.Exists(s.ctx, path, false)
	s.must(err)
	if found != want {
		s.t.Fatalf("%s is there for a client of %s: %v, want %v", path, c.Server(), found, want)
	}
	return stat
}

// load puts a constant load on all members.
func (s *scenario) load(sessions int, pause time.Duration) *witness.Witness {
	s.t.Helper()
	w, err := witness.Start(s.ctx, witness.Options{Servers: s.Addresses(), Sessions: sessions, Pause: pause})
	s.must(err)
	s.t.Cleanup(w.Close)
	return w
}

// awaitWrites waits until so many further writes were acknowledged.
func (s *scenario) awaitWrites(w *witness.Witness, further int) {
	s.t.Helper()
	before := w.Report().Acknowledged
	s.eventually(fmt.Sprint(further, " further writes are acknowledged"), func() error {
		r := w.Report()
		if len(r.Faults) > 0 {
			s.t.Fatalf("the load failed: %s; %s", strings.Join(r.Faults, "; "), r)
		}
		if r.Acknowledged < before+further {
			return fmt.Errorf("%d were", r.Acknowledged-before)
		}
		return nil
	})
}

// endLoad stops a load and looks on every member for what was acknowledged.
func (s *scenario) endLoad(w *witness.Witness) {
	s.t.Helper()
	r, missing := w.Stop(), 0
	for _, m := range s.Members {
		c := s.dial(m, client.Config{})
		s.must(c.Sync(s.ctx, "/"))
		lost, err := w.Lost(s.ctx, c)
		s.must(err)
		missing += len(lost)
		if len(lost) > 0 {
			s.t.Errorf("member %v: %d of %d acknowledged writes lost:\n%s", m, len(lost), r.Acknowledged, strings.Join(lost[:min(len(lost), 20)], "\n"))
		}
	}
	if r.Expired > 0 || len(r.Faults) > 0 {
		s.t.Errorf("%d sessions expired: %s", r.Expired, strings.Join(r.Faults, "; "))
	}
	s.t.Logf("writes acknowledged / lost on the members: %d / %d; %s", r.Acknowledged, missing, r)
}

// equal compares everything that the members serve, and what they say of digests.
func (s *scenario) equal() {
	s.t.Helper()
	// The sessions come first: their opening changes what Java counts.
	clients := s.clients()
	for _, c := range clients {
		s.must(c.Sync(s.ctx, "/"))
	}
	var first treedump.Dump
	for i, c := range clients {
		whole, err := treedump.Read(s.ctx, c)
		s.must(err)
		// Every server shows the list of servers there by itself, with the time when
		// it did so.
		list := whole[wire.ConfigPath]
		list.Stat.Mtime = 0
		whole[wire.ConfigPath] = list
		if i == 0 {
			first = whole
			continue
		}
		if differences := first.Differences(whole); len(differences) > 0 {
			s.t.Errorf("%d differences between what %v and %v serve:\n%s", len(differences), s.Members[0], s.Members[i],
				strings.Join(differences[:min(len(differences), 20)], "\n"))
		}
	}
	for _, m := range s.Members {
		values, err := m.Monitor()
		s.must(err)
		got, has := values["zk_digest_mismatches_count"]
		if old := m.Kind() == ensemble.Java("3.5.10"); has && got != "0" || !has && !old {
			s.t.Errorf("member %v: zk_digest_mismatches_count = %q", m, got)
		}
	}
	for _, c := range clients {
		s.must(c.Close())
	}
	compared, digests := s.logsAgree()
	s.t.Logf("%d znodes equal on all members; %d transactions equal in the logs of several, %d of them with digests", len(first), compared, digests)
}

// logged is one transaction in a log.
type logged struct {
	payload string // see alike
	digest  uint64 // 0: none
	member  *ensemble.Member
}

// logsAgree compares the transactions in the members' logs, and their digests of
// the tree where there are some: Java 3.5 writes none.
func (s *scenario) logsAgree() (compared, digests int) {
	s.t.Helper()
	first := make(map[wire.Zxid]logged)
	for _, m := range s.Members {
		err := eachLogged(m, func(r store.Record) error {
			var txn wire.Txn
			if err := wire.DecodeTxn(r.Payload, &txn); err != nil {
				return err
			}
			one := logged{member: m}
			if txn.HasDigest {
				one.digest = txn.Digest
			}
			one.payload = alike(&txn)
			before, found := first[r.Zxid]
			if !found {
				first[r.Zxid] = one
				return nil
			}
			compared++
			if before.payload != one.payload {
				s.t.Errorf("transaction %v is %x in the log of member %v and %x in that of %v", r.Zxid, before.payload, before.member, one.payload, m)
			}
			if before.digest != 0 && one.digest != 0 {
				digests++
				if before.digest != one.digest {
					s.t.Errorf("after %v the digest is %x on member %v and %x on %v", r.Zxid, before.digest, before.member, one.digest, m)
				}
			}
			return nil
		})
		if err != nil {
			s.t.Errorf("read the log of member %v: %v", m, err)
		}
	}
	if compared == 0 {
		s.t.Error("no transaction is in the logs of two members")
	}
	return compared, digests
}

// alike is a transaction in the form that all servers log. Of two kinds that
// is the header only: Java 3.5 does not know the list of znodes that go with a
// session and logs none, and Java marks the parts of a refused multi as refused
// while it applies it, which may be before it has logged it.
func alike(txn *wire.Txn) string {
	refused := slices.ContainsFunc(txn.Subs, func(sub wire.Txn) bool { return sub.Type == wire.OpError })
	if refused || txn.Type == wire.OpCloseSession {
		return string(wire.AppendTxnHeader(nil, txn))
	}
	txn.HasDigest = false
	return string(wire.AppendTxn(nil, txn))
}

// eachLogged calls f for every transaction in the files of a member, which may run.
func eachLogged(m *ensemble.Member, f func(store.Record) error) (err error) {
	records, err := store.ReadLog(vfs.OS(), filepath.Join(m.DataDir(), "version-2"), 0, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	for {
		record, err := records.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(record)
		}
		if err != nil {
			return err
		}
	}
}

// kinds of an ensemble of Java servers of one version, and coord.
func mix(version string, programs string) []ensemble.Kind {
	var kinds []ensemble.Kind
	for _, p := range strings.Fields(programs) {
		kind := ensemble.Coord
		if p == "java" {
			kind = ensemble.Java(version)
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

// strictlyGrowing tells whether sequential names are in the order they came in.
func strictlyGrowing(names []string) bool {
	return slices.IsSorted(names) && len(slices.Compact(slices.Clone(names))) == len(names)
}
