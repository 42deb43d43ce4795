package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	// hostsMax is what the names of interfaces, of 15 letters at most, and the
	// addresses have room for.
	hostsMax = 9
	// commandTimeout bounds one ip command on a starved machine.
	commandTimeout = time.Minute
	// namespaceDir is where ip keeps the namespaces that have a name.
	namespaceDir = "/run/netns"
	// withoutVariable is set on machines that cannot have network namespaces.
	withoutVariable = "KAFKACOORD_WITHOUT_NAMESPACES"
)

// ErrUnavailable says that this machine, or this user, cannot have networks.
var ErrUnavailable = errors.New("no network namespaces here (needed: root and the ip command of iproute2)")

// madeHere counts the networks of this process, for their names.
var madeHere atomic.Int32

// Network is some hosts and the two switches that they are in.
type Network struct {
	Hosts []*Host

	peers, clients string // names of the switches
}

// Host is a network namespace. Its methods are called from one goroutine at a time.
type Host struct {
	name           string
	peers, clients card
}

// card is a network card of a host: a pair of interfaces, of which one is in the
// host and the other in a switch.
type card struct {
	inside, cable, bridge string
	address               netip.Addr
}

// New lays a network. What an earlier process left behind, because it was killed,
// is removed.
func New(ctx context.Context, hosts int) (_ *Network, err error) {
	if hosts < 1 || hosts > hostsMax {
		return nil, fmt.Errorf("network: %d hosts, want 1 to %d", hosts, hostsMax)
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("network: lay a network as user %d: %w", os.Geteuid(), ErrUnavailable)
	}
	removeLeftovers(ctx)
	// prefix is kcPID, then the number of the network in this process.
	prefix := fmt.Sprintf("kc%d%c", os.Getpid(), 'a'+madeHere.Add(1)%26)
	n := &Network{peers: prefix + "p", clients: prefix + "c"}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%w: %w", ErrUnavailable, err), n.Close())
		}
	}()
	peers, clients, err := freeSubnets()
	if err != nil {
		return nil, err
	}
	for _, bridge := range []string{n.peers, n.clients} {
		if err := ip(ctx, "link", "add", bridge, "type", "bridge"); err != nil {
			return nil, err
		}
		if err := ip(ctx, "link", "set", bridge, "up"); err != nil {
			return nil, err
		}
	}
	if err := ip(ctx, "address", "add", member(clients, 254).String()+"/24", "dev", n.clients); err != nil {
		return nil, err
	}
	for number := 1; number <= hosts; number++ {
		name := prefix + strconv.Itoa(number)
		h := &Host{
			name:    name,
			peers:   card{inside: "peers", cable: name + "p", bridge: n.peers, address: member(peers, number)},
			clients: card{inside: "clients", cable: name + "c", bridge: n.clients, address: member(clients, number)},
		}
		n.Hosts = append(n.Hosts, h)
		if err := h.lay(ctx); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// lay makes the namespace and puts its cards in.
func (h *Host) lay(ctx context.Context) error {
	if err := ip(ctx, "netns", "add", h.name); err != nil {
		return err
	}
	if err := ip(ctx, "-n", h.name, "link", "set", "lo", "up"); err != nil {
		return err
	}
	for _, c := range []card{h.peers, h.clients} {
		for _, arguments := range [][]string{
			{"link", "add", c.cable, "type", "veth", "peer", "name", c.inside, "netns", h.name},
			{"link", "set", c.cable, "master", c.bridge, "up"},
			{"-n", h.name, "address", "add", c.address.String() + "/24", "dev", c.inside},
			{"-n", h.name, "link", "set", c.inside, "up"},
		} {
			if err := ip(ctx, arguments...); err != nil {
				return err
			}
		}
	}
	return nil
}

// Address is that of the host for other hosts.
func (h *Host) Address() string { return h.peers.address.String() }

// ClientAddress is that of the host for this machine.
func (h *Host) ClientAddress() string { return h.clients.address.String() }

// Command is how to start a program on the host: the program and its arguments.
// The process has the id that the start returns.
func (h *Host) Command(path string, arguments ...string) (string, []string) {
	return "ip", append([]string{"netns", "exec", h.name, path}, arguments...)
}

// CutFromPeers takes out the cable to the other hosts.
func (h *Host) CutFromPeers(ctx context.Context) error { return h.peers.pull(ctx) }

// CutOff takes out both cables.
func (h *Host) CutOff(ctx context.Context) error {
	return errors.Join(h.peers.pull(ctx), h.clients.pull(ctx))
}

// Heal puts both cables in.
func (h *Host) Heal(ctx context.Context) error {
	return errors.Join(h.peers.plug(ctx), h.clients.plug(ctx))
}

func (c card) pull(ctx context.Context) error { return ip(ctx, "link", "set", c.cable, "nomaster") }

func (c card) plug(ctx context.Context) error {
	return ip(ctx, "link", "set", c.cable, "master", c.bridge)
}

// Close removes the network. Processes on its hosts have to be stopped before.
func (n *Network) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	var problems []error
	for _, h := range n.Hosts {
		// A namespace takes its cards with it, but only when it is empty.
		problems = append(problems, removeLink(ctx, h.peers.cable), removeLink(ctx, h.clients.cable), removeNamespace(ctx, h.name))
	}
	problems = append(problems, removeLink(ctx, n.peers), removeLink(ctx, n.clients))
	return errors.Join(problems...)
}

// StartTest lays a network for a test and removes it at its end. Where none can
// be had, the test fails, unless KAFKACOORD_WITHOUT_NAMESPACES is set: then it is
// told so, and the network is nil.
func StartTest(t testing.TB, hosts int) *Network {
	t.Helper()
	n, err := New(t.Context(), hosts)
	if errors.Is(err, ErrUnavailable) && os.Getenv(withoutVariable) != "" {
		t.Logf("NOT TESTED: partitions. %v; %s allows that", err, withoutVariable)
		return nil
	}
	if err != nil {
		t.Fatalf("%v (%s=1 goes on without partitions)", err, withoutVariable)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("remove the network: %v", err)
		}
	})
	return n
}

// ip runs the ip command.
func ip(ctx context.Context, arguments ...string) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	said, err := exec.CommandContext(ctx, "ip", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("network: ip %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(string(said)))
	}
	return nil
}

func removeLink(ctx context.Context, name string) error {
	if _, err := net.InterfaceByName(name); err != nil {
		return nil // never made, or gone with its namespace
	}
	return ip(ctx, "link", "delete", name)
}

func removeNamespace(ctx context.Context, name string) error {
	if _, err := os.Stat(filepath.Join(namespaceDir, name)); err != nil {
		return nil // never made
	}
	return ip(ctx, "netns", "delete", name)
}

// Second bytes of the private addresses 10.x.y.z: of what clients reach, and of
// what only the hosts see.
const clientsByte, peersByte = 181, 182

// freeSubnets returns two networks of 254 addresses, for the second of which this
// machine has no other use.
func freeSubnets() (peers, clients netip.Prefix, err error) {
	used, err := net.InterfaceAddrs()
	if err != nil {
		return peers, clients, fmt.Errorf("network: list the addresses of this machine: %w", err)
	}
	// Processes that look at the same time shall not take the same one.
	start := os.Getpid()
	for i := range 256 {
		third := byte(start + i)
		candidate := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, clientsByte, third, 0}), 24)
		if !anyWithin(used, candidate) {
			// This machine is not in the switch of the hosts: what else it has at the
			// addresses used there does not matter.
			peers = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, peersByte, third, 0}), 24)
			return peers, candidate, nil
		}
	}
	return peers, clients, fmt.Errorf("network: no free network among 10.%d.0.0/16", clientsByte)
}

func anyWithin(addresses []net.Addr, network netip.Prefix) bool {
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && network.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// member is the address of a number in a network.
func member(network netip.Prefix, number int) netip.Addr {
	bytes := network.Addr().As4()
	bytes[3] = byte(number)
	return netip.AddrFrom4(bytes)
}

// ours matches the names of namespaces and interfaces that New makes.
var ours = regexp.MustCompile(`^kc(\d+)[a-z]\d?[pc]?$`)

// removeLeftovers removes what processes made that are no more. Two that do it at
// the same time get in each other's way, which does no harm: errors are dropped.
func removeLeftovers(ctx context.Context) {
	left := func(name string) bool {
		match := ours.FindStringSubmatch(name)
		if match == nil {
			return false
		}
		pid, err := strconv.Atoi(match[1])
		return err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	entries, _ := os.ReadDir(namespaceDir)
	for _, entry := range entries {
		if left(entry.Name()) {
			_ = removeNamespace(ctx, entry.Name())
		}
	}
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		if left(i.Name) {
			_ = removeLink(ctx, i.Name)
		}
	}
}
