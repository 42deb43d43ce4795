package peernet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"kafkacoord/coord/wire"
)

// Address is where a server listens. The host is a name or an IP address, without
// brackets.
type Address struct {
	Host string
	Port int
}

// String is the address as host:port, an IPv6 address in brackets.
func (a Address) String() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// wildcard tells whether the host stands for all addresses of a machine: one can
// listen there, but not connect to it.
func (a Address) wildcard() bool {
	ip, err := netip.ParseAddr(a.Host)
	return a.Host == "" || err == nil && ip.Unmap().IsUnspecified()
}

func parseAddress(text string) (Address, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return Address{}, fmt.Errorf("peernet: read the address %q: %w", text, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return Address{}, fmt.Errorf("peernet: read the port of the address %q: %w", text, err)
	}
	return Address{Host: host, Port: int(port)}, nil
}

// Server is a server of the ensemble and its addresses on one kind of port, the
// best first.
type Server struct {
	ID        wire.PeerID
	Addresses []Address
}

// book holds the addresses of the ensemble's servers.
type book map[wire.PeerID][]Address

func newBook(servers []Server) book {
	b := make(book, len(servers))
	for _, s := range servers {
		b[s.ID] = slices.Clone(s.Addresses)
	}
	return b
}

// resolveSystem finds the addresses of a host by the system's rules.
func resolveSystem(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
