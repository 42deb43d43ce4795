package replica

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"kafkacoord/coord/core"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// slowLog stands for a log whose reading takes until it is let go or cancelled.
type slowLog struct {
	reader  *logReader
	goOn    chan struct{}
	tasks   sync.WaitGroup
	stopped context.CancelFunc

	mu                  sync.Mutex // guards the rest
	began, ended, heard []wire.Zxid
	atOnce              int
}

func newSlowLog(t *testing.T) *slowLog {
	s := &slowLog{goOn: make(chan struct{})}
	work, cancel := context.WithCancel(t.Context())
	s.stopped = cancel
	s.reader = &logReader{
		work: work, start: func(_ string, f func()) { s.tasks.Go(f) },
		read: func(ctx context.Context, wanted zab.LogRange) core.PeerEvent {
			if n := s.note(&s.began, wanted.After, 1); n > 1 {
				t.Errorf("%d ranges are read at once", n)
			}
			select {
			case <-s.goOn:
			case <-ctx.Done():
			}
			s.note(&s.ended, wanted.After, -1)
			return core.PeerEvent{Kind: core.LogRead, Link: wanted.Link, Entries: []zab.Entry{{Zxid: wanted.After}}}
		},
		hear: func(events ...core.PeerEvent) { s.note(&s.heard, events[0].Entries[0].Zxid, 0) },
	}
	return s
}

func (s *slowLog) note(list *[]wire.Zxid, zxid wire.Zxid, reads int) (atOnce int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*list = append(*list, zxid)
	s.atOnce += reads
	return s.atOnce
}

// want compares what was begun, what has ended and what was handed over.
func (s *slowLog) want(t *testing.T, began, ended, heard []wire.Zxid) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.began, began) || !slices.Equal(s.ended, ended) || !slices.Equal(s.heard, heard) {
		t.Errorf("began %v, ended %v, heard %v; want %v, %v, %v", s.began, s.ended, s.heard, began, ended, heard)
	}
}

func TestOneRangeIsReadAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowLog(t)
		type zxids = []wire.Zxid
		s.reader.ask(zab.LogRange{Link: 1, After: 10})
		synctest.Wait()
		s.reader.ask(zab.LogRange{Link: 2, After: 20})
		s.reader.ask(zab.LogRange{Link: 3, After: 30})
		s.reader.ask(zab.LogRange{Link: 2, After: 21}) // the newest of a link counts
		s.want(t, zxids{10}, nil, nil)
		s.goOn <- struct{}{}
		s.want(t, zxids{10, 30}, zxids{10}, zxids{10})
		s.reader.ask(zab.LogRange{Link: 3, After: 31})
		s.want(t, zxids{10, 30, 21}, zxids{10, 30}, zxids{10})
		s.reader.forget(2) // what is read
		s.want(t, zxids{10, 30, 21, 31}, zxids{10, 30, 21}, zxids{10})
		s.reader.ask(zab.LogRange{Link: 4, After: 40})
		s.reader.forget(4) // what waits
		s.goOn <- struct{}{}
		s.want(t, zxids{10, 30, 21, 31}, zxids{10, 30, 21, 31}, zxids{10, 31})
		s.tasks.Wait() // nothing is left to do
		s.reader.ask(zab.LogRange{Link: 5, After: 50})
		s.reader.ask(zab.LogRange{Link: 6, After: 60})
		s.want(t, zxids{10, 30, 21, 31, 50}, zxids{10, 30, 21, 31}, zxids{10, 31})
		s.stopped() // the end of the server
		s.tasks.Wait()
		s.want(t, zxids{10, 30, 21, 31, 50}, zxids{10, 30, 21, 31, 50}, zxids{10, 31})
	})
}

// nobody is an ensemble of which nothing is heard.
type nobody struct{}

func (nobody) Ballot(wire.PeerID, *wire.Notification) {}
func (nobody) Dial(wire.PeerID)                       {}
func (nobody) Send(*core.PeerSend)                    {}
func (nobody) Flush()                                 {}
func (nobody) Close(zab.LinkID)                       {}
func (nobody) Listen(bool)                            {}

// TestReadingEndsWithTheLink: what a turn closes, or hears of the end of, is not
// read, even if it was asked for in the same turn.
func TestReadingEndsWithTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := start(t, vfs.NewMemory(), storeOptions(), Options{Peers: nobody{}})
		s := newSlowLog(t)
		v.replica.Inspect(func(*core.Core) {
			v.replica.logs = s.reader
			ranges := []zab.LogRange{{Link: 1, After: 10}, {Link: 2, After: 20}, {Link: 3, After: 30}}
			v.replica.tell(&core.Input{}, &core.Output{ReadLog: ranges})
		})
		s.want(t, []wire.Zxid{10}, nil, nil)
		v.replica.Inspect(func(*core.Core) {
			v.replica.tell(&core.Input{}, &core.Output{CloseLinks: []zab.LinkID{1}})
		})
		s.want(t, []wire.Zxid{10, 20}, []wire.Zxid{10}, nil)
		v.replica.Inspect(func(*core.Core) {
			in := core.Input{Peers: []core.PeerEvent{{Kind: core.LinkDown, Link: 2}, {Kind: core.LinkDown, Link: 4}}}
			v.replica.tell(&in, &core.Output{ReadLog: []zab.LogRange{{Link: 4, After: 40}}, CloseLinks: []zab.LinkID{3}})
		})
		s.want(t, []wire.Zxid{10, 20}, []wire.Zxid{10, 20}, nil)
		s.tasks.Wait()
		if err := v.stop(); err != nil {
			t.Error(err)
		}
	})
}
