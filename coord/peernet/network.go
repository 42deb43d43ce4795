package peernet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// Network is how sockets are made, the same for both kinds of port. The zero
// value serves.
type Network struct {
	// Resolve finds the addresses of a host name; nil asks the system. It is
	// asked at every attempt, as servers move.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Secure wraps a connection before anything is sent or read on it: host is
	// the name that was dialled, "" on the accepting side. ctx ends when time is
	// up, and then reads and writes of nc fail, too. When it fails it need not
	// close. nil: plain.
	Secure func(ctx context.Context, nc net.Conn, host string) (net.Conn, error)
	// KeepAlive lets the system probe idle connections (tcpKeepAlive).
	KeepAlive bool
	// Log takes lines for the operator; nil drops them.
	Log *slog.Logger
	// Refused counts a connection or frame that was refused, by kind: one of the
	// Refused constants. nil: not counted.
	Refused func(kind string)
}

const (
	// dialStagger is the lead that an address has over the next of the same
	// server: with most hosts only the first is ever tried.
	dialStagger = 100 * time.Millisecond
	// dialAddressesMax bounds how many addresses of one server are tried, and how
	// many of one host name.
	dialAddressesMax = 32
)

// dial connects to the first of the addresses that answers and secures the
// connection, all before ctx ends.
func (n *Network) dial(ctx context.Context, addresses []Address) (net.Conn, error) {
	addresses = addresses[:min(len(addresses), dialAddressesMax)]
	attempts := make([]attempt, len(addresses))
	for i, a := range addresses {
		attempts[i] = func(ctx context.Context) (net.Conn, error) { return n.dialHost(ctx, a) }
	}
	nc, winner, err := race(ctx, attempts)
	if err != nil {
		return nil, err
	}
	secured, err := n.secure(ctx, nc, addresses[winner].Host)
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return secured, nil
}

// dialHost finds the IP addresses of a host and connects to the first of them
// that answers.
func (n *Network) dialHost(ctx context.Context, a Address) (net.Conn, error) {
	ips, err := n.resolve(ctx, a.Host)
	if err != nil {
		return nil, err
	}
	ips = ips[:min(len(ips), dialAddressesMax)]
	dialer := net.Dialer{KeepAlive: n.keepAlive()}
	attempts := make([]attempt, len(ips))
	for i, ip := range ips {
		target := netip.AddrPortFrom(ip.Unmap(), uint16(a.Port)).String()
		attempts[i] = func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", target) }
	}
	nc, _, err := race(ctx, attempts)
	return nc, err
}

func (n *Network) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	resolve := n.Resolve
	if resolve == nil {
		resolve = resolveSystem
	}
	ips, err := resolve(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", host, err)
	}
	return ips, nil
}

var errNoAddress = errors.New("there is no address of it to connect to")

// attempt is one way to get a connection.
type attempt func(ctx context.Context) (net.Conn, error)

// race makes attempts, each a little after the one before or when that has
// failed, and returns the first connection and which attempt it came from. The
// others are closed.
func race(ctx context.Context, attempts []attempt) (nc net.Conn, winner int, err error) {
	if len(attempts) == 0 {
		return nil, 0, errNoAddress
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		nc    net.Conn
		index int
		err   error
	}
	results := make(chan result)
	started, running := 0, 0
	start := func() {
		index := started
		started++
		running++
		go func() {
			nc, err := attempts[index](ctx)
			results <- result{nc, index, err}
		}()
	}
	var failures []error
	stagger := time.NewTicker(dialStagger)
	defer stagger.Stop()
	for start(); running > 0; {
		select {
		case r := <-results:
			running--
			switch {
			case r.err != nil:
				failures = append(failures, r.err)
			case nc != nil:
				_ = r.nc.Close()
			default:
				nc, winner = r.nc, r.index
				cancel()
			}
			if running > 0 {
				continue
			}
		case <-stagger.C:
		}
		if nc == nil && started < len(attempts) && ctx.Err() == nil {
			start()
		}
	}
	if nc == nil {
		return nil, 0, errors.Join(failures...)
	}
	return nc, winner, nil
}

func (n *Network) keepAlive() time.Duration {
	if n.KeepAlive {
		return 0 // the system's interval
	}
	return -1
}

// secure runs the hook within the time that ctx has.
func (n *Network) secure(ctx context.Context, nc net.Conn, host string) (net.Conn, error) {
	if n.Secure == nil {
		return nc, nil
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) }) // fails what waits for nc
	secured, err := n.Secure(ctx, nc, host)
	if !stop() && err == nil {
		_ = secured.Close()
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("secure the connection with %s: %w", nc.RemoteAddr(), err)
	}
	return secured, nil
}

// listen binds an address. SO_REUSEADDR, which Go sets, lets it have a port whose
// last connections have just ended.
func (n *Network) listen(ctx context.Context, a Address) (net.Listener, error) {
	host := a.Host
	if n.Resolve != nil && host != "" { // without a hook, Listen asks the system itself
		ips, err := n.resolve(ctx, host)
		if err != nil {
			return nil, err
		}
		if len(ips) > 0 {
			host = ips[0].String()
		}
	}
	listener := net.ListenConfig{KeepAlive: n.keepAlive()}
	l, err := listener.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(a.Port)))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", a, err)
	}
	return l, nil
}

// accept hands every connection to take until the listener is closed. Running
// out of file descriptors and the like must not end it.
func (n *Network) accept(ctx context.Context, l net.Listener, refusals *refusals, take func(net.Conn)) {
	for wait := newBackoff(5*time.Millisecond, time.Second, nil); ; {
		nc, err := l.Accept()
		switch {
		case err == nil:
			wait.reset()
			take(nc)
		case errors.Is(err, net.ErrClosed) || !wait.sleep(ctx):
			return
		default:
			refusals.add(RefusedByUs, "cannot accept connections of servers; is the limit of open files too low?",
				"address", l.Addr().String(), "error", err)
		}
	}
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
