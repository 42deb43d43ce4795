package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// Peers secures the connections between servers, in the order of a rolling
// switch: first Unified on all servers, then Encrypt, then Unified off again
// (ZooKeeper: sslQuorum and portUnification; UnifiedServerSocket.java).
type Peers struct {
	// Keys are those of the QuorumFamily.
	Keys *Keys
	// Encrypt makes every connection that is dialled TLS, and accepts nothing
	// else unless Unified (sslQuorum).
	Encrypt bool
	// Unified accepts plain connections and TLS (portUnification).
	Unified bool
	// Hosts are the names and addresses of all servers of the list in force. An
	// accepted certificate must have one of them, or the address that it comes
	// from, while clientHostnameVerification is on.
	Hosts func() []string
}

// Secure is the hook of a network (peernet: Network.Secure): host is the name
// that was dialled, "" on the accepting side. It returns a connection on which
// the handshake is done, or nc itself where it stays plain.
func (p *Peers) Secure(ctx context.Context, nc net.Conn, host string) (net.Conn, error) {
	if host != "" {
		if !p.Encrypt {
			return nc, nil
		}
		return finishHandshake(ctx, tls.Client(nc, p.Keys.Client(host)))
	}
	switch {
	case p.Unified:
		yes, whole, err := sniffWithin(ctx, nc, p.Keys.options.Detection)
		if err != nil || !yes {
			return whole, err
		}
		nc = whole
	case !p.Encrypt:
		return nc, nil
	}
	server, err := p.Keys.server(p.Hosts)
	if err != nil {
		return nil, err
	}
	return finishHandshake(ctx, tls.Server(nc, server))
}

// finishHandshake returns the connection when its handshake is done before ctx
// ends.
func finishHandshake(ctx context.Context, nc *tls.Conn) (net.Conn, error) {
	if err := nc.HandshakeContext(ctx); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return nil, handshakeError(err)
	}
	return nc, nil
}

// Check tells whether the settings fit together, before any connection.
func (p *Peers) Check() error {
	if (p.Encrypt || p.Unified) && p.Keys == nil {
		return errors.New("secure: sslQuorum or portUnification is set without keys")
	}
	if p.Keys == nil {
		return nil
	}
	_, err := p.Keys.Server()
	return err
}
