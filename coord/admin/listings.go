package admin

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// watchesBySession: sessions and paths come in order, so that two answers can
// be compared. ZooKeeper: WatchManager.dumpWatches.
func watchesBySession(r *request) {
	list := r.status.Watches
	slices.SortFunc(list, func(x, y SessionWatches) int { return cmp.Compare(uint64(x.SessionID), uint64(y.SessionID)) })
	for _, w := range list {
		r.format("0x%x\n", uint64(w.SessionID))
		slices.Sort(w.Paths)
		for _, path := range w.Paths {
			r.line("\t" + path)
		}
	}
	r.line("")
}

func watchesByPath(r *request) {
	sessions := make(map[string][]int64)
	var paths []string
	for _, w := range r.status.Watches {
		for _, path := range w.Paths {
			if sessions[path] == nil {
				paths = append(paths, path)
			}
			sessions[path] = append(sessions[path], w.SessionID)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		r.line(path)
		slices.Sort(sessions[path])
		for _, id := range sessions[path] {
			r.format("\t0x%x\n", uint64(id))
		}
	}
	r.line("")
}

// javaDate is Date.toString.
const javaDate = "Mon Jan 02 15:04:05 MST 2006"

// dump shows sessions, owners of ephemeral nodes and connections.
// ZooKeeper: DumpCommand.java, SessionTrackerImpl.java, ExpiryQueue.java.
func dump(r *request) {
	s := &r.status.Sessions
	r.line("SessionTracker dump:")
	if s.Learner {
		r.format("Global Sessions(%d):\n", len(s.Expiries))
		slices.SortFunc(s.Expiries, func(x, y SessionExpiry) int { return cmp.Compare(uint64(x.SessionID), uint64(y.SessionID)) })
		for _, e := range s.Expiries {
			r.format("0x%x\t%dms\n", uint64(e.SessionID), e.Timeout.Milliseconds())
		}
	} else {
		expirySets(r, "Session", s.Expiries, func(e *SessionExpiry) time.Time { return e.ExpireAt }, func(e *SessionExpiry) string {
			return fmt.Sprintf("\t0x%x", uint64(e.SessionID))
		})
	}
	r.line("ephemeral nodes dump:")
	r.format("Sessions with Ephemerals (%d):\n", len(s.Ephemerals))
	for _, owner := range s.Ephemerals {
		r.format("0x%x:\n", uint64(owner.SessionID))
		for _, path := range owner.Paths {
			r.line("\t" + path)
		}
	}
	r.line("Connections dump:")
	expirySets(r, "Connections", r.status.Connections, func(c *ConnectionStatus) time.Time { return c.ExpireAt }, func(c *ConnectionStatus) string {
		return fmt.Sprintf("\tip: /%s sessionId: 0x%x", c.Remote, uint64(c.SessionID))
	})
}

// expirySets lists values by the moment at which they expire.
func expirySets[T any](r *request, title string, list []T, at func(*T) time.Time, show func(*T) string) {
	slices.SortStableFunc(list, func(x, y T) int { return at(&x).Compare(at(&y)) })
	sets := 0
	for i := range list {
		if i == 0 || !at(&list[i]).Equal(at(&list[i-1])) {
			sets++
		}
	}
	r.format("%s Sets (%d)/(%d):\n", title, sets, len(list))
	for i := 0; i < len(list); {
		end := i + 1
		for end < len(list) && at(&list[end]).Equal(at(&list[i])) {
			end++
		}
		r.format("%d expire at %s:\n", end-i, at(&list[i]).Format(javaDate))
		for ; i < end; i++ {
			r.line(show(&list[i]))
		}
	}
}

// environment keeps every key that ZooKeeper shows; those of the JVM tell about
// the Go runtime or are empty. ZooKeeper: Environment.java.
func environment(r *request) {
	r.line("Environment:")
	r.line("zookeeper.version=" + Version())
	r.line("coord.version=" + ProductVersion())
	for _, pair := range hostEnvironment() {
		r.line(pair[0] + "=" + pair[1])
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	most := memory.Sys
	if limit := debug.SetMemoryLimit(-1); limit > 0 && uint64(limit) < 1<<60 {
		most = uint64(limit)
	}
	r.format("os.memory.free=%dMB\nos.memory.max=%dMB\nos.memory.total=%dMB\n",
		(memory.HeapSys-memory.HeapInuse)>>20, most>>20, memory.Sys>>20)
}

func hostEnvironment() [][2]string {
	host, _ := os.Hostname()
	directory, _ := os.Getwd()
	account, err := user.Current()
	if err != nil {
		account = &user.User{Username: os.Getenv("USER"), HomeDir: os.Getenv("HOME")}
	}
	system := runtime.GOOS
	if system != "" {
		system = strings.ToUpper(system[:1]) + system[1:]
	}
	return [][2]string{
		{"host.name", host},
		{"java.version", runtime.Version()},
		{"java.vendor", "Go"},
		{"java.home", ""},
		{"java.class.path", ""},
		{"java.library.path", ""},
		{"java.io.tmpdir", os.TempDir()},
		{"java.compiler", runtime.Compiler},
		{"os.name", system},
		{"os.arch", runtime.GOARCH},
		{"os.version", kernelRelease()},
		{"user.name", account.Username},
		{"user.home", account.HomeDir},
		{"user.dir", directory},
	}
}

// kernelRelease is empty where the system does not tell.
func kernelRelease() string {
	raw, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
