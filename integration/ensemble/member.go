package ensemble

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"kafkacoord/integration/coordproc"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/network"
	"kafkacoord/integration/server"
)

// Kind is the program of a member.
type Kind string

// Coord is this checkout's.
const Coord Kind = "coord"

// javaPrefix is what the kinds of Java members begin with.
const javaPrefix = "Java ZooKeeper "

// Java is ZooKeeper of a version that javazk.Versions has.
func Java(version string) Kind { return Kind(javaPrefix + version) }

// javaFlags suit short runs of several servers on a small machine. Java digests a
// path in the encoding of its locale, which before JDK 18 is not always UTF-8.
var javaFlags = []string{
	"-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8",
	"-Dzookeeper.extendedTypesEnabled=true",
}

// ports of a member.
type ports struct{ client, quorum, election int }

// Member is one server of an ensemble. Its methods are called from one goroutine
// at a time; those of Server that start, stop and ask the process are the
// member's too.
type Member struct {
	*server.Server
	// ID is the number in the server lines, from 1.
	ID int

	kind    Kind
	dataDir string
	ports   ports
	config  []string
	host    *network.Host // nil: this machine
	paused  bool
	cut     bool // from the other members
}

// Kind is the program that the member is, or was last.
func (m *Member) Kind() Kind { return m.kind }

// String names the member: "2 (coord)".
func (m *Member) String() string { return fmt.Sprintf("%d (%s)", m.ID, m.kind) }

// ElectionAddress and QuorumAddress are the ports for the other members.
func (m *Member) ElectionAddress() string { return m.at(m.ports.election) }

// QuorumAddress is where learners connect while the member leads.
func (m *Member) QuorumAddress() string { return m.at(m.ports.quorum) }

func (m *Member) at(port int) string { return net.JoinHostPort(m.address(), strconv.Itoa(port)) }

// address is where the other members find this one.
func (m *Member) address() string {
	if m.host == nil {
		return "127.0.0.1"
	}
	return m.host.Address()
}

// Become makes another program of the member, which must not run: the next start
// is on the same data directory, ports and number.
func (m *Member) Become(ctx context.Context, kind Kind) error {
	if m.Server != nil && m.Running() {
		return fmt.Errorf("ensemble: member %v must be stopped before it becomes %s", m, kind)
	}
	var next *server.Server
	var err error
	version, java := strings.CutPrefix(string(kind), javaPrefix)
	switch {
	case java && m.host != nil:
		return fmt.Errorf("ensemble: member %d has a host of its own, where only coord is started, not %s", m.ID, kind)
	case java:
		next, err = javazk.New(ctx, javazk.Options{
			Version: version, Port: m.ports.client, DataDir: m.dataDir, Config: m.config, Flags: javaFlags, Progress: os.Stderr,
		})
	default:
		next, err = coordproc.New(ctx, coordproc.Options{Port: m.ports.client, DataDir: m.dataDir, Config: m.config, Host: m.host})
	}
	if err != nil {
		return fmt.Errorf("ensemble: prepare member %d as %s: %w", m.ID, kind, err)
	}
	m.Server, m.kind = next, kind
	return WriteID(m.dataDir, m.ID)
}

// WriteID makes a data directory and the file in it that tells a server its
// number.
func WriteID(dataDir string, id int) error {
	err := os.MkdirAll(dataDir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dataDir, "myid"), []byte(strconv.Itoa(id)+"\n"), 0o644)
	}
	if err != nil {
		return fmt.Errorf("ensemble: write the number of member %d: %w", id, err)
	}
	return nil
}

// Wipe empties the data directory of a member that does not run, as a replaced
// disk is.
func (m *Member) Wipe() error {
	if m.Running() {
		return fmt.Errorf("ensemble: member %v must be stopped before its data is removed", m)
	}
	if err := os.RemoveAll(m.dataDir); err != nil {
		return fmt.Errorf("ensemble: remove the data of member %v: %w", m, err)
	}
	return WriteID(m.dataDir, m.ID)
}

// Pause stops the process with SIGSTOP; Continue lets it run on.
func (m *Member) Pause() error {
	m.paused = true
	return m.Server.Pause()
}

// Continue lets a paused member run on.
func (m *Member) Continue() error {
	m.paused = false
	return m.Server.Continue()
}

// Kill ends the member with SIGKILL, paused or not.
func (m *Member) Kill() error {
	m.paused = false
	return m.Server.Kill()
}

// CutFromPeers takes the member's network to the other members away; clients
// still reach it. It needs a host of its own.
func (m *Member) CutFromPeers(ctx context.Context) error {
	m.cut = true
	return m.host.CutFromPeers(ctx)
}

// CutOff takes the network to members and clients away.
func (m *Member) CutOff(ctx context.Context) error {
	m.cut = true
	return m.host.CutOff(ctx)
}

// Heal gives a member that was cut off its network back.
func (m *Member) Heal(ctx context.Context) error {
	m.cut = false
	return m.host.Heal(ctx)
}

// answers tells whether the member can be asked.
func (m *Member) answers() bool { return m.Running() && !m.paused && !m.cut }

// Modes that srvr shows.
const (
	Leader   = "leader"
	Follower = "follower"
)

// Mode is what srvr calls the member's role; "" when it does not serve.
func (m *Member) Mode() string {
	if !m.answers() {
		return ""
	}
	answer, err := m.FourLetterWord("srvr")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(answer) {
		if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(mode)
		}
	}
	return ""
}

// Monitor is the answer to mntr by key.
func (m *Member) Monitor() (map[string]string, error) {
	answer, err := m.FourLetterWord("mntr")
	if err != nil {
		return nil, fmt.Errorf("ensemble: member %v: %w", m, err)
	}
	values := make(map[string]string)
	for line := range strings.Lines(answer) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			values[key] = value
		}
	}
	return values, nil
}

// Mark is a place in a member's log.
type Mark int64

// Mark is the present end of the log.
func (m *Member) Mark() Mark {
	info, err := os.Stat(m.LogFile())
	if err != nil {
		return 0 // not started yet
	}
	return Mark(info.Size())
}

// LogSince is what the member has logged since a mark.
func (m *Member) LogSince(mark Mark) (string, error) {
	file, err := os.Open(m.LogFile())
	if err != nil {
		return "", fmt.Errorf("ensemble: read the log of member %v: %w", m, err)
	}
	defer func() { _ = file.Close() }()
	if _, err = file.Seek(int64(mark), io.SeekStart); err != nil {
		return "", fmt.Errorf("ensemble: read the log of member %v: %w", m, err)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return "", fmt.Errorf("ensemble: read the log of member %v: %w", m, err)
	}
	return string(text), nil
}

// AwaitLog waits until Logged is nil.
func (m *Member) AwaitLog(ctx context.Context, mark Mark, expression string) error {
	return Await(ctx, fmt.Sprintf("member %v logs %q", m, expression), func() error { return m.Logged(mark, expression) })
}

// Logged returns nil if the member has logged a line since a mark that matches a
// regular expression.
func (m *Member) Logged(mark Mark, expression string) error {
	line, err := regexp.Compile(expression)
	if err != nil {
		return fmt.Errorf("ensemble: %w", err)
	}
	logged, err := m.LogSince(mark)
	if err == nil && !line.MatchString(logged) {
		err = fmt.Errorf("ensemble: member %v has not logged %q", m, expression)
	}
	return err
}
