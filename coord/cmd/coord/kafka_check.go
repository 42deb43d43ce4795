package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kafkacoord/compat/rules"
	"kafkacoord/coord/config"
	"kafkacoord/kafkameta/view"
)

// kafkaCheckFlags are the flags of one check.
type kafkaCheckFlags struct {
	source    kafkaSource
	facts     rules.Facts
	failOn    string
	output    string
	earlier   string
	once      bool
	allACLs   bool
	listRules bool
}

func kafkaCheckCommand() *cobra.Command {
	var f kafkaCheckFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Check a cluster's metadata against 97 rules",
		Long: `Check a cluster's metadata. States that are right for a moment are looked at
again before they are reported, so that a check with findings may take up to
36 seconds. The exit code is 0 without a finding of at least --fail-on, 1 with
one, and 2 when not everything could be looked at.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	f.source.addFlags(c)
	addOutputFlag(c, &f.output, "text", "json", "junit", "sarif")
	flags := c.Flags()
	flags.StringVar(&f.failOn, "fail-on", rules.Error.String(), "mildest severity that counts: info, warning, error or fatal")
	flags.BoolVar(&f.listRules, "list-rules", false, "list the rules and look at nothing")
	flags.BoolVar(&f.once, "once", false, "look once, and report states that may be right for a moment as such")
	flags.BoolVar(&f.allACLs, "all-acls", false, "read the ACL of every znode, those of partitions too")
	flags.StringVar(&f.earlier, "earlier", "", "older data directory or backup of the cluster, to find epochs that went back")
	flags.StringVar(&f.facts.ClusterID, "cluster-id", "", "the id that the cluster must have, as in the brokers' meta.properties")
	flags.Int32Var(&f.facts.MinInsyncReplicas, "min-insync-replicas", 0, "the brokers' min.insync.replicas")
	flags.Int32Var(&f.facts.OffsetsPartitions, "offsets-partitions", 0, "the brokers' offsets.topic.num.partitions")
	flags.Int32Var(&f.facts.TransactionPartitions, "transaction-partitions", 0, "the brokers' transaction.state.log.num.partitions")
	flags.BoolVar(&f.facts.DeletionDisabled, "deletion-disabled", false, "all brokers have delete.topic.enable=false")
	flags.BoolVar(&f.facts.KRaftControllerGone, "kraft-controller-gone", false, "no KRaft controller runs any more")
	flags.DurationVar(&f.facts.StuckAfter, "stuck-after", rules.DefaultStuckAfter, "when work that takes its time counts as stuck")
	flags.IntVar(&f.facts.RequestBytesMax, "request-bytes-max", rules.DefaultRequestBytesMax, "the servers' jute.maxbuffer")
	flags.IntVar(&f.facts.ReplyBytesMax, "reply-bytes-max", rules.DefaultReplyBytesMax, "the brokers' jute.maxbuffer")
	return c
}

func (f *kafkaCheckFlags) run(c *cobra.Command) error {
	failOn, err := rules.ParseSeverity(f.failOn)
	if err != nil {
		return &exitError{config.ExitInvalidInvocation, fmt.Errorf("--fail-on: %w", err)}
	}
	out := c.OutOrStdout()
	if f.listRules {
		return f.writeRules(out)
	}
	if f.earlier != "" {
		if f.facts.Earlier, err = f.source.directory(c.Context(), f.earlier); err != nil {
			return &exitError{rules.ExitBlind, fmt.Errorf("--earlier: %w", err)}
		}
	}
	scope := view.ACLsOutsidePartitions
	if f.allACLs {
		scope = view.ACLsOfAll
	}
	load := func(ctx context.Context) (*view.View, error) { return f.source.load(ctx, scope) }
	report, err := rules.Run(c.Context(), load, rules.Options{Facts: f.facts, Once: f.once || f.source.snapshot != ""})
	if err != nil {
		return &exitError{rules.ExitBlind, err}
	}
	if err := f.write(out, report, failOn); err != nil {
		return &exitError{rules.ExitBlind, err}
	}
	switch code := report.ExitCode(failOn); code {
	case rules.ExitClean:
		return nil
	case rules.ExitFindings:
		return &exitError{code, fmt.Errorf("%d findings of severity %s or worse", report.Count(failOn), failOn)}
	default:
		return &exitError{code, fmt.Errorf("%d znodes could not be read; give credentials with --auth-file", len(report.Unread))}
	}
}

func (f *kafkaCheckFlags) write(w io.Writer, report *rules.Report, failOn rules.Severity) error {
	switch f.output {
	case "json":
		return report.WriteJSON(w)
	case "junit":
		return report.WriteJUnit(w, failOn)
	case "sarif":
		return report.WriteSARIF(w)
	default:
		return report.WriteText(w)
	}
}

func (f *kafkaCheckFlags) writeRules(w io.Writer) error {
	switch f.output {
	case "json":
		return rules.WriteRulesJSON(w)
	case "text":
		return rules.WriteRules(w)
	default:
		return &exitError{config.ExitInvalidInvocation, fmt.Errorf("--list-rules is written as text or json, not as %s", f.output)}
	}
}
