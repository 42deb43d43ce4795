package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"kafkacoord/coord/config"
)

// Exit codes of status, for probes.
const (
	statusNotServing  = 1
	statusUnreachable = 2 // or the command line or configuration is wrong
)

const statusHelp = `Show every member of an ensemble: its role, epoch, last transaction, how far it
is behind the leader, its connections and the time its disk takes, and in words
what is wrong.

The members are those of --server, or of the server lines of --config; a server
that stands alone is shown the same way. Each is asked with four-letter words on
its client port, all at the same time:

  srvr   always answered: mode, zxid, connections
  memb   coord only: the reasons, the state of an election, the disk, a leader's
         view of its followers
  mntr, conf   of Java members, and where memb is not answered: state, fsync times,
         the list of servers

All but srvr must be in 4lw.commands.whitelist of the servers; what is missing is
said. A Java server notes the word memb, which it does not know, in its log.

Exit codes:
  0  every server that was asked serves: it stands alone or is part of a quorum
  1  at least one does not serve, or cannot be reached while others can
  2  none can be reached, or the command line or the configuration is wrong

With one --server, its exit code is a readiness probe of that server.`

type statusFlags struct {
	servers []string
	config  string
	output  string
	within  time.Duration
}

func statusCommand() *cobra.Command {
	var f statusFlags
	c := &cobra.Command{
		Use:     "status [--server host:port,...] [--config zoo.cfg]",
		Short:   "Ask the servers of an ensemble how they are; the exit code is 0 only when all serve",
		Long:    statusHelp,
		Example: "  coord status --config /etc/zookeeper/zoo.cfg\n  coord status --server zk1:2181,zk2:2181,zk3:2181 -o json",
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.NoArgs(c, args); err != nil {
				return &exitError{statusUnreachable, err}
			}
			return nil
		},
		DisableFlagsInUseLine: true,
		RunE:                  func(c *cobra.Command, _ []string) error { return status(c, &f) },
	}
	c.Flags().StringSliceVar(&f.servers, "server", nil, "client address host:port of a server, or several with commas (default 127.0.0.1:2181)")
	c.Flags().StringVar(&f.config, "config", "", "configuration file whose server lines name the servers")
	c.Flags().StringVarP(&f.output, "output", "o", "text", "text or json")
	c.Flags().DurationVar(&f.within, "timeout", 5*time.Second, "how long a server may take to answer a word")
	c.MarkFlagsMutuallyExclusive("server", "config")
	return c
}

// errNotServing is what status ends with when the table says what is wrong.
var errNotServing = errors.New("not all servers serve")

func status(c *cobra.Command, f *statusFlags) error {
	if f.output != "text" && f.output != "json" {
		return &exitError{statusUnreachable, fmt.Errorf("--output %q: choose text or json", f.output)}
	}
	targets, err := statusTargets(f)
	if err != nil {
		return &exitError{statusUnreachable, err}
	}
	report := ensembleStatus{Members: askAll(c.Context(), targets, f.within)}
	report.judge()
	if f.output == "json" {
		e := json.NewEncoder(c.OutOrStdout())
		e.SetIndent("", "  ")
		err = e.Encode(&report)
	} else {
		err = report.print(c.OutOrStdout())
	}
	if err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return report.verdict()
}

// verdict is the error that carries the exit code; nil when all serve.
func (s *ensembleStatus) verdict() error {
	reached, serving := 0, 0
	for i := range s.Members {
		if s.Members[i].Reachable {
			reached++
		}
		if s.Members[i].Serving {
			serving++
		}
	}
	switch {
	case reached == 0:
		return &exitError{statusUnreachable, errors.New("no server can be reached")}
	case serving < len(s.Members):
		return &exitError{statusNotServing, errNotServing}
	}
	return nil
}

// target is a server to ask.
type target struct {
	id      int64 // 0: not known
	address string
}

// statusTargets are the servers that the flags name.
func statusTargets(f *statusFlags) ([]target, error) {
	if f.config == "" {
		servers := f.servers
		if len(servers) == 0 {
			servers = []string{"127.0.0.1:2181"}
		}
		var list []target
		for _, address := range servers {
			if _, _, err := net.SplitHostPort(address); err != nil {
				return nil, fmt.Errorf("--server %q: write host:port, with commas between several", address)
			}
			list = append(list, target{address: address})
		}
		return list, nil
	}
	cfg, _, err := config.Load(f.config)
	if err != nil {
		return nil, err
	}
	return configuredTargets(cfg)
}

// configuredTargets are the servers of a configuration. A server line without a
// client port is that of a server with the client port of this file.
func configuredTargets(cfg *config.Config) ([]target, error) {
	if !cfg.Quorum.Distributed() {
		if cfg.ClientPort == 0 {
			return nil, fmt.Errorf("%s has no clientPort: there is nothing to ask", cfg.File)
		}
		return []target{{address: clientAddress(cfg.ClientPortAddress, "127.0.0.1", cfg.ClientPort)}}, nil
	}
	var list []target
	for i := range cfg.Quorum.Servers {
		s := &cfg.Quorum.Servers[i]
		port, host := s.ClientPort, s.ClientHost
		if port == 0 {
			port, host = cfg.ClientPort, ""
		}
		if port == 0 {
			return nil, fmt.Errorf("%s: neither the line server.%d nor clientPort names a client port", cfg.File, s.ID)
		}
		list = append(list, target{id: s.ID, address: clientAddress(host, s.Addresses[0].Host, port)})
	}
	return list, nil
}

// clientAddress is where a server listens for clients. When that is on all
// addresses of its machine, the one that the others use is taken.
func clientAddress(host, other string, port int) string {
	for _, h := range []string{host, other, "127.0.0.1"} {
		if ip := net.ParseIP(h); h != "" && (ip == nil || !ip.IsUnspecified()) {
			host = h
			break
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// askAll asks all servers at the same time; the answers come in their order.
func askAll(ctx context.Context, targets []target, within time.Duration) []memberStatus {
	answers := make([]memberStatus, len(targets))
	var asking sync.WaitGroup
	for i, t := range targets {
		asking.Go(func() { answers[i] = askMember(ctx, t, within) })
	}
	asking.Wait()
	return answers
}

// name is how a server is called in a table and in reasons.
func (m *memberStatus) name() string {
	if m.ID != 0 {
		return "server." + strconv.FormatInt(m.ID, 10)
	}
	return m.Address
}

func (m *memberStatus) problem(format string, args ...any) {
	m.Problems = append(m.Problems, strings.TrimSpace(fmt.Sprintf(format, args...)))
}
