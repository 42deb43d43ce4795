package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kafkacoord/compat/certify"
)

func kafkaCertifyCommand() *cobra.Command {
	var o certify.Options
	var authFile, output string
	var list bool
	c := &cobra.Command{
		Use:   "certify",
		Short: "Play what Kafka does against a server, and say for each Kafka line whether it works",
		Long: `Play what Kafka's ZooKeeper client does against any server that speaks
ZooKeeper's protocol. The scripts work below a znode of their own, which is
removed in the end. The exit code is 0 when all work, 1 when one fails, and 2
when none failed but not all could be played.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if list {
				return writeScripts(c)
			}
			var err error
			if o.Auth, err = readAuthFile(authFile); err != nil {
				return &exitError{certify.ExitUnknown, err}
			}
			report, err := certify.Run(c.Context(), o)
			if err != nil {
				return &exitError{certify.ExitUnknown, err}
			}
			write := report.WriteText
			if output == "json" {
				write = report.WriteJSON
			}
			if err := write(c.OutOrStdout()); err != nil {
				return &exitError{certify.ExitUnknown, err}
			}
			switch code := report.ExitCode(); code {
			case certify.ExitWorks:
				return nil
			case certify.ExitFails:
				return &exitError{code, fmt.Errorf("%s does not do what Kafka relies on", o.Server)}
			default:
				return &exitError{code, fmt.Errorf("not everything could be played against %s; raise --timeout", o.Server)}
			}
		},
	}
	f := c.Flags()
	f.StringVar(&o.Server, "server", "127.0.0.1:2181", "host:port of one server")
	f.StringVar(&o.Chroot, "chroot", "", "existing znode to work below; empty: the root")
	f.StringSliceVar(&o.Scripts, "script", nil, "play only these")
	f.BoolVar(&list, "list-scripts", false, "list the scripts and play none")
	f.IntVar(&o.Parallel, "parallel", certify.DefaultParallel, "scripts at once")
	f.DurationVar(&o.Timeout, "timeout", certify.DefaultTimeout, "how long the whole run may take")
	f.DurationVar(&o.StepTimeout, "step-timeout", certify.DefaultStepTimeout, "how long each step may take")
	f.DurationVar(&o.SessionTimeout, "session-timeout", certify.DefaultSessionTimeout, "session timeout to ask for")
	f.StringVar(&authFile, "auth-file", "", "file with a line SCHEME CREDENTIAL for each identity, as \"digest user:password\"")
	addOutputFlag(c, &output, "text", "json")
	return c
}

// writeScripts lists what can be played.
func writeScripts(c *cobra.Command) error {
	rows := [][]string{{"script", "kafka lines", "what Kafka does"}}
	for _, s := range certify.Scripts() {
		rows = append(rows, []string{s.Name, fmt.Sprint(s.Lines), s.About})
	}
	return writeRows(c.OutOrStdout(), rows)
}
