package witness

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"sync"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// Names beside the numbered znodes of a session.
const (
	counterName = "counter"
	aliveName   = "alive" // ephemeral
)

// writer is one session that writes. What is not guarded by mu belongs to its
// goroutine until that has ended.
type writer struct {
	client    *client.Client
	directory string
	pause     time.Duration

	created int // znodes 0 to created-1 are acknowledged
	counted int // version of the counter
	newest  wire.Zxid

	mu     sync.Mutex
	report Report
}

// prepare makes the znodes that the load needs.
func (w *writer) prepare(ctx context.Context) error {
	_, err := w.client.Multi(
		ctx,
		client.CreateOp(w.directory, nil, wire.FlagPersistent, nil),
		client.CreateOp(path.Join(w.directory, counterName), []byte("0"), wire.FlagPersistent, nil),
		client.CreateOp(path.Join(w.directory, aliveName), nil, wire.FlagEphemeral, nil),
	)
	return err
}

// run writes until enough is closed, the session ends, or ctx does.
func (w *writer) run(ctx context.Context, enough <-chan struct{}) {
	var pause <-chan time.Time
	if w.pause > 0 {
		ticker := time.NewTicker(w.pause)
		defer ticker.Stop()
		pause = ticker.C
	}
	for turn := 0; ; turn++ {
		select {
		case <-enough:
			return
		default:
		}
		began := time.Now()
		write := w.create
		if turn%2 == 1 {
			write = w.count
		}
		if err := write(ctx); err != nil {
			w.fail(err)
			return
		}
		w.mu.Lock()
		w.report.Acknowledged++
		w.report.LongestPause = max(w.report.LongestPause, time.Since(began))
		w.mu.Unlock()
		if pause != nil {
			select {
			case <-pause:
			case <-enough:
			}
		}
	}
}

// fail notes why the load of this session ends early.
func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, client.ErrSessionExpired) {
		w.report.Expired++
	}
	w.report.Faults = append(w.report.Faults, fmt.Sprintf("session %v below %s: %v", w.client.Session().ID, w.directory, err))
}

// create makes the next znode, with its own path as data.
func (w *writer) create(ctx context.Context) error {
	target := path.Join(w.directory, strconv.Itoa(w.created))
	for uncertain := false; ; uncertain = true {
		r := client.CreateOp(target, []byte(target), wire.FlagPersistent, nil)
		_, zxid, err := w.client.Do(ctx, &r)
		switch {
		case err == nil:
			w.created++
			return w.advance(zxid)
		case uncertain && errors.Is(err, wire.NodeExists):
			w.created++
			w.resolved()
			return nil
		case !errors.Is(err, client.ErrConnectionLoss):
			return err
		}
		w.disconnected()
	}
}

// count sets the counter to its next number, which is its version too.
func (w *writer) count(ctx context.Context) error {
	target := path.Join(w.directory, counterName)
	for uncertain := false; ; uncertain = true {
		r := client.SetOp(target, []byte(strconv.Itoa(w.counted+1)), int32(w.counted))
		_, zxid, err := w.client.Do(ctx, &r)
		switch {
		case err == nil:
			w.counted++
			return w.advance(zxid)
		case uncertain && errors.Is(err, wire.BadVersion):
			// Only this session writes it, so the version can only be the next; Lost
			// finds out if it is not.
			w.counted++
			w.resolved()
			return nil
		case !errors.Is(err, client.ErrConnectionLoss):
			return err
		}
		w.disconnected()
	}
}

// advance checks that a write comes after the ones before it.
func (w *writer) advance(zxid wire.Zxid) error {
	if zxid <= w.newest {
		return fmt.Errorf("a write was acknowledged as %v after %v", zxid, w.newest)
	}
	w.newest = zxid
	return nil
}

func (w *writer) resolved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Resolved++
}

func (w *writer) disconnected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Disconnections++
}
