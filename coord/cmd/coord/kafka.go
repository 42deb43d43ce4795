package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

func kafkaCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "kafka",
		Short: "Look at the metadata of a Kafka cluster, check it, and certify servers for Kafka",
		Long: `Look at the metadata that a Kafka cluster in ZooKeeper mode keeps: on a live
server of any make, or in the snapshots and logs of one. Nothing here changes
the metadata.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		kafkaCheckCommand(), kafkaCertifyCommand(),
		kafkaBrokersCommand(), kafkaControllerCommand(), kafkaTopicsCommand(), kafkaTopicCommand(),
		kafkaConfigsCommand(), kafkaQuotasCommand(), kafkaACLsCommand(), kafkaExplainCommand(),
	)
	return c
}

// kafkaSource says where to read a cluster.
type kafkaSource struct {
	servers  []string
	chroot   string
	snapshot string
	logs     string
	authFile string
	timeout  time.Duration

	serverGiven func() bool
}

func (s *kafkaSource) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&s.servers, "server", []string{"127.0.0.1:2181"}, "host:port of the servers, separated by commas")
	f.StringVar(&s.chroot, "chroot", "", "znode of the cluster, as in the brokers' zookeeper.connect")
	f.StringVar(&s.snapshot, "snapshot", "", "read a data directory or backup instead of a server")
	f.StringVar(&s.logs, "logs", "", "where the logs of that directory are, when it is elsewhere (dataLogDir)")
	f.StringVar(&s.authFile, "auth-file", "", "file with a line SCHEME CREDENTIAL for each identity, as \"digest user:password\"")
	f.DurationVar(&s.timeout, "timeout", time.Minute, "how long connecting and reading may take")
	s.serverGiven = func() bool { return f.Changed("server") || f.Changed("auth-file") }
}

// load reads the cluster.
func (s *kafkaSource) load(ctx context.Context, acls view.ACLScope) (*view.View, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	switch {
	case s.snapshot != "" && s.serverGiven():
		return nil, &exitError{config.ExitInvalidInvocation, errors.New("--snapshot reads files: it does not go with --server or --auth-file")}
	case s.snapshot != "":
		return s.directory(ctx, s.snapshot)
	}
	auth, err := readAuthFile(s.authFile)
	if err != nil {
		return nil, err
	}
	v, err := view.LoadServer(ctx, view.Server{Client: client.Config{Servers: s.servers, Chroot: s.chroot, Auth: auth, ReadOnly: true}, ACLs: acls})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return nil, fmt.Errorf("%s: not read within %v: %w", strings.Join(s.servers, ","), s.timeout, err)
	}
	return v, err
}

// directory reads a cluster from files.
func (s *kafkaSource) directory(ctx context.Context, path string) (*view.View, error) {
	chroot, err := model.ParseChroot(s.chroot)
	if err != nil {
		return nil, err
	}
	d := view.Directory{Path: path, Chroot: chroot}
	if path == s.snapshot {
		d.LogPath = s.logs
	}
	return view.LoadDirectory(ctx, d)
}

// authFileBytesMax bounds a file of credentials.
const authFileBytesMax = 64 << 10

// readAuthFile reads credentials; none from no file.
func readAuthFile(path string) ([]client.Auth, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, authFileBytesMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read credentials: %w", err)
	case len(content) > authFileBytesMax:
		return nil, fmt.Errorf("read credentials: %s is longer than %d bytes", path, authFileBytesMax)
	}
	var auth []client.Auth
	n := 0
	for line := range bytes.Lines(content) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		scheme, credential, found := bytes.Cut(line, []byte(" "))
		if !found {
			return nil, fmt.Errorf("read credentials: %s, line %d is not SCHEME CREDENTIAL", path, n)
		}
		auth = append(auth, client.Auth{Scheme: string(scheme), Data: bytes.TrimSpace(credential)})
	}
	return auth, nil
}

// addOutputFlag adds -o with the forms that a command has.
func addOutputFlag(c *cobra.Command, output *string, forms ...string) {
	c.Flags().StringVarP(output, "output", "o", forms[0], strings.Join(forms[:len(forms)-1], ", ")+" or "+forms[len(forms)-1])
	c.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(forms, *output) {
			return &exitError{config.ExitInvalidInvocation, fmt.Errorf("-o %s: want one of %s", *output, strings.Join(forms, ", "))}
		}
		return nil
	}
}

// noArgs refuses arguments with an exit code of its own: 1 has a meaning for
// the commands that judge.
func noArgs(c *cobra.Command, args []string) error {
	if err := cobra.NoArgs(c, args); err != nil {
		return &exitError{config.ExitInvalidInvocation, err}
	}
	return nil
}

// kafkaViewCommand makes a command that shows a part of a cluster as a table or
// as JSON. The function gives both.
func kafkaViewCommand(use, short string, args cobra.PositionalArgs, show func(v *view.View, args []string) (document any, table [][]string, err error)) *cobra.Command {
	var source kafkaSource
	var output string
	c := &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(c *cobra.Command, args []string) error {
			v, err := source.load(c.Context(), view.ACLsOfNone)
			if err != nil {
				return err
			}
			document, table, err := show(v, args)
			if err != nil {
				return err
			}
			for _, w := range v.Warnings {
				fmt.Fprintf(c.ErrOrStderr(), "warning: %s %s\n", w.Path, w.Text)
			}
			if output == "json" {
				return writeJSON(c.OutOrStdout(), document)
			}
			return writeRows(c.OutOrStdout(), table)
		},
	}
	source.addFlags(c)
	addOutputFlag(c, &output, "table", "json")
	return c
}

func writeJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

// writeRows writes rows in columns, the first one in capitals as their titles.
func writeRows(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, row := range rows {
		line := strings.Join(row, "\t")
		if i == 0 {
			line = strings.ToUpper(line)
		}
		if _, err := fmt.Fprintln(t, line); err != nil {
			return err
		}
	}
	return t.Flush()
}

// timeText writes ms since 1970, "-" for none.
func timeText(millis int64) string {
	if millis <= 0 {
		return "-"
	}
	return time.UnixMilli(millis).UTC().Format(time.RFC3339)
}
