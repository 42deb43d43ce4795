package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kafkacoord/coord/bench"
)

func benchCommand() *cobra.Command {
	var o bench.Options
	var workloads []string
	var output string
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure throughput and latency of any ZooKeeper-protocol server",
		Long: `Measure a server under load. Each workload runs below a znode of its own, which
is removed afterwards. Workloads: ` + workloadNames() + `.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var results []bench.Result
			for _, name := range workloads {
				o.Workload = bench.Workload(name)
				r, err := bench.Run(c.Context(), o)
				if err != nil {
					return fmt.Errorf("workload %s: %w", name, err)
				}
				results = append(results, r)
			}
			if output == "json" {
				return bench.WriteJSON(c.OutOrStdout(), results)
			}
			return bench.WriteTable(c.OutOrStdout(), results)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Address, "server", "127.0.0.1:2181", "host:port of the server, or of several members, separated by commas")
	f.StringSliceVar(&workloads, "workload", []string{"create", "set", "get", "mixed"}, "what to do, one after the other")
	f.IntVar(&o.Connections, "connections", 30, "sessions at work at once")
	f.IntVar(&o.Outstanding, "outstanding", 16, "unanswered requests per connection")
	f.IntVar(&o.ValueBytes, "value-bytes", 100, "length of each znode's data")
	f.IntVar(&o.Keys, "keys", 0, "znodes to choose from; 0: the workload's default")
	f.IntVar(&o.Children, "children", 100, "children of the node that workload children lists")
	f.IntVar(&o.ReadPercent, "read-percent", 90, "share of reads of workload mixed")
	f.DurationVar(&o.Duration, "duration", 0, "length of the measured part; 0: ten seconds")
	f.Int64Var(&o.Requests, "requests", 0, "end after so many replies; 0: by duration alone")
	f.DurationVar(&o.WarmUp, "warm-up", 0, "time before the measured part; 0: one second")
	f.DurationVar(&o.Ramp, "ramp", 0, "spread the start of the connections over this time")
	f.StringVar(&o.Root, "root", "", "znode to work below; empty: a new one")
	f.DurationVar(&o.SessionTimeout, "session-timeout", 0, "session timeout to ask for; 0: 30 s")
	f.BoolVar(&o.KeepData, "keep-data", false, "leave the znodes in place")
	f.StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

func workloadNames() string {
	names := make([]string, len(bench.Workloads))
	for i, w := range bench.Workloads {
		names[i] = string(w)
	}
	return strings.Join(names, ", ")
}
