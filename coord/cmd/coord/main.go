package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"kafkacoord/coord/admin"
	"kafkacoord/coord/config"
)

// exitError carries the exit code that scripts around ZooKeeper know.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := command().ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "coord:", err)
	var exit *exitError
	if errors.As(err, &exit) {
		os.Exit(exit.code)
	}
	os.Exit(1)
}

func command() *cobra.Command {
	c := &cobra.Command{
		Use:           "coord",
		Short:         "A ZooKeeper-compatible server for Kafka",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return &exitError{config.ExitInvalidInvocation, err}
	})
	c.AddCommand(serveCommand(), statusCommand(), benchCommand(), kafkaCommand(), versionCommand())
	return c
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary and of the ZooKeeper it stands in for",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "coord %s\nZooKeeper compatibility: %s\n", admin.ProductVersion(), admin.Version())
			return err
		},
	}
}
