package auth

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"kafkacoord/coord/wire"
)

// addresses is the scheme ip: every connection has the id of its address.
type addresses struct{}

// AddressID is the identity that a connection from addr has without asking.
func AddressID(addr netip.Addr) wire.ID {
	return wire.ID{Scheme: SchemeIP, ID: addressText(addr)}
}

// addressText writes an address as Java does: IPv4, also when mapped into IPv6,
// as a dotted quad; IPv6 as eight hex groups with nothing left out; a zone
// after a percent sign (Java: InetAddress.getHostAddress).
func addressText(addr netip.Addr) string {
	addr = addr.Unmap()
	if !addr.Is6() {
		return addr.String()
	}
	b := addr.As16()
	text := make([]byte, 0, 39)
	for i := 0; i < len(b); i += 2 {
		if i > 0 {
			text = append(text, ':')
		}
		text = strconv.AppendUint(text, uint64(b[i])<<8|uint64(b[i+1]), 16)
	}
	if zone := addr.Zone(); zone != "" {
		text = append(append(text, '%'), zone...)
	}
	return string(text)
}

// Scheme implements Provider.
func (addresses) Scheme() string { return SchemeIP }

// Authenticate implements Provider: it adds the address the connection has
// anyway, whatever the data.
func (addresses) Authenticate(_ []byte, from Peer) ([]wire.ID, error) {
	if !from.Addr.IsValid() {
		return nil, errors.New("the client's address is not known")
	}
	return []wire.ID{AddressID(from.Addr)}, nil
}

// Valid implements Provider: an address, optionally a slash and the number of
// leading bits that count.
func (addresses) Valid(id string) bool {
	_, ok := parsePrefix(id)
	return ok
}

// Matches implements Provider. Addresses of different families never match.
func (addresses) Matches(id, entry string) bool {
	prefix, ok := parsePrefix(entry)
	if !ok {
		return false
	}
	addr, ok := parseAddress(id)
	return ok && prefix.Contains(addr)
}

// Authenticated implements Provider: an address proves nothing.
func (addresses) Authenticated() bool { return false }

// UserName implements Provider.
func (addresses) UserName(id string) string { return id }

func parsePrefix(s string) (netip.Prefix, bool) {
	host, bitsText, limited := strings.Cut(s, "/")
	addr, ok := parseAddress(host)
	if !ok {
		return netip.Prefix{}, false
	}
	bits := addr.BitLen()
	if limited {
		n, err := strconv.Atoi(bitsText)
		if err != nil || n < 0 || n > bits {
			return netip.Prefix{}, false
		}
		bits = n
	}
	return netip.PrefixFrom(addr, bits), true
}

// parseAddress reads a dotted quad, more leniently than netip does because Java
// takes a sign and leading zeros, or an IPv6 address without zone.
func parseAddress(s string) (netip.Addr, bool) {
	if strings.IndexByte(s, ':') >= 0 {
		addr, err := netip.ParseAddr(s)
		return addr, err == nil && addr.Zone() == ""
	}
	var b [4]byte
	for i := range b {
		piece, rest, more := strings.Cut(s, ".")
		n, err := strconv.Atoi(piece)
		if err != nil || n < 0 || n > 255 || more != (i < len(b)-1) {
			return netip.Addr{}, false
		}
		b[i], s = byte(n), rest
	}
	return netip.AddrFrom4(b), true
}
