package certify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// Defaults of Options. The session timeout is Kafka's own (ZkConfigs.java,
// zookeeper.session.timeout.ms).
const (
	DefaultTimeout        = 5 * time.Minute
	DefaultStepTimeout    = 20 * time.Second
	DefaultSessionTimeout = 18 * time.Second
	DefaultParallel       = 2
)

const (
	// rootPrefix begins the name of the znode below which a run works.
	rootPrefix = "kafkacoord-certify-"
	// cleanTimeout bounds the removal of that znode.
	cleanTimeout = time.Minute
	// parallelMax keeps a run from being a load test.
	parallelMax = 64
)

var (
	// ErrOptions says that Options have a value that Run does not take.
	ErrOptions = errors.New("certify: bad options")
	// ErrTimeout says that Options.Timeout has passed.
	ErrTimeout = errors.New("the time for the whole run is over")
)

// Options say which server to certify and how. Only Server must be set.
type Options struct {
	// Server is the address, host:port, of one server: scripts expect one session
	// to read at once what another has written, which the servers of an ensemble
	// do not promise to each other's clients.
	Server string
	// Chroot is an existing znode below which to work, "" for the root. The run
	// makes one znode there and removes it in the end.
	Chroot string
	// Scripts are the names of those to play; none means all.
	Scripts []string
	// Parallel is how many scripts are played at once, 1 to 64, default
	// DefaultParallel. A script has up to 22 connections, and ZooKeeper takes 60
	// of one address unless maxClientCnxns says otherwise.
	Parallel int
	// Timeout bounds the whole run but for the removal of what it has made,
	// which may take another minute; default DefaultTimeout. StepTimeout bounds
	// each step of a script, default DefaultStepTimeout.
	Timeout     time.Duration
	StepTimeout time.Duration
	// SessionTimeout is what sessions ask for, default DefaultSessionTimeout.
	// One script lets a session of the server's shortest timeout expire, and
	// waits that long.
	SessionTimeout time.Duration
	// Auth are credentials for the sessions of Kafka's part. With a superuser
	// among them, acl-set tells nothing.
	Auth []client.Auth
	// Dial replaces a plain TCP connection, for example by TLS.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// Run plays the scripts and reports what works. An error means that it could
// not look: ErrOptions, no session (ErrTimeout, if only Timeout ended the
// attempts), or no znode to work below. That the server
// fails scripts is no error but in the Report, as is a root that could not be
// removed.
//
// A command that shows the report ends with its ExitCode, or with ExitUnknown
// when Run returned an error.
func Run(ctx context.Context, options Options) (*Report, error) {
	chosen, err := options.complete()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	running, cancel := context.WithTimeoutCause(ctx, options.Timeout, ErrTimeout)
	defer cancel()
	secret := client.Auth{Scheme: "digest", Data: []byte("certify:" + rand.Text())}
	control, err := client.Dial(running, client.Config{
		Servers: []string{options.Server}, SessionTimeout: options.SessionTimeout, Dial: options.Dial,
		Auth: append(slices.Clone(options.Auth), secret),
	})
	if err != nil {
		return nil, fmt.Errorf("certify: open a session at %s: %w", options.Server, err)
	}
	defer func() { _ = control.Close() }()
	root := strings.TrimSuffix(options.Chroot, "/") + "/" + rootPrefix + strings.ToLower(rand.Text()[:10])
	if _, err := control.Create(running, root, nil, wire.FlagPersistent, nil); err != nil {
		return nil, fmt.Errorf("certify: make %s to work below: %w; Chroot must exist and let this session create children", root, err)
	}
	report := &Report{Server: options.Server, Results: options.playAll(running, chosen, root, secret)}
	if err := clean(ctx, control, root); err != nil {
		report.Leftover = err.Error()
	}
	report.Elapsed = time.Since(began)
	return report, nil
}

// complete checks the options, fills in defaults, and returns the scripts.
func (o *Options) complete() ([]Script, error) {
	if o.Server == "" {
		return nil, fmt.Errorf("%w: Server is empty, want host:port", ErrOptions)
	}
	if o.Chroot != "" && !wire.PathOK(o.Chroot) {
		return nil, fmt.Errorf("%w: Chroot %q is not a znode path", ErrOptions, o.Chroot)
	}
	if o.Parallel < 0 || o.Parallel > parallelMax {
		return nil, fmt.Errorf("%w: Parallel is %d, want 1 to %d", ErrOptions, o.Parallel, parallelMax)
	}
	if o.Timeout < 0 || o.StepTimeout < 0 || o.SessionTimeout < 0 {
		return nil, fmt.Errorf("%w: a timeout is negative", ErrOptions)
	}
	if o.Parallel == 0 {
		o.Parallel = DefaultParallel
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.StepTimeout == 0 {
		o.StepTimeout = DefaultStepTimeout
	}
	if o.SessionTimeout == 0 {
		o.SessionTimeout = DefaultSessionTimeout
	}
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	return choose(o.Scripts)
}

// choose finds scripts by name, in the order of Scripts.
func choose(names []string) ([]Script, error) {
	scripts := Scripts()
	if len(names) == 0 {
		return scripts, nil
	}
	var known []string
	for _, s := range scripts {
		known = append(known, s.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%w: no script %q, there are %s", ErrOptions, name, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(scripts, func(s Script) bool { return !slices.Contains(names, s.Name) }), nil
}

// playAll plays scripts, some at a time, and returns their results in order.
func (o *Options) playAll(ctx context.Context, scripts []Script, root string, secret client.Auth) []Result {
	results := make([]Result, len(scripts))
	places := make(chan struct{}, o.Parallel)
	var playing sync.WaitGroup
	for i, script := range scripts {
		playing.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			p := &play{ctx: ctx, options: o, root: root + "/" + script.Name, secret: secret}
			results[i] = p.perform(script)
		})
	}
	playing.Wait()
	return results
}

// perform plays one script from its own chroot to its result.
func (p *play) perform(script Script) Result {
	began := time.Now()
	outside := p.brokerWith("the script's chroot", client.Config{Auth: p.options.Auth})
	p.step("make the script's chroot", func(ctx context.Context) error {
		return cmp.Or(outside.make(ctx, nil, p.root), outside.Close())
	})
	script.play(p)
	p.end()
	return newResult(script, p, time.Since(began))
}
