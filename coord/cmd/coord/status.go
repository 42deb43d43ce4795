package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	statusWithin  = 5 * time.Second
	statusMaxSize = 1 << 20
)

func statusCommand() *cobra.Command {
	var server, output string
	c := &cobra.Command{
		Use:   "status",
		Short: "Ask a server how it is; the exit code is 0 only when it serves",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := word(c.Context(), server, "srvr")
			if err != nil {
				return err
			}
			fields := statusFields(text)
			if fields["Mode"] == "" {
				return fmt.Errorf("%s does not serve: %s", server, strings.TrimSpace(text))
			}
			if output == "json" {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(fields)
			}
			_, err = io.WriteString(c.OutOrStdout(), text)
			return err
		},
	}
	c.Flags().StringVar(&server, "server", "127.0.0.1:2181", "host:port of the server")
	c.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return c
}

// word sends a four-letter word and returns the answer.
func word(ctx context.Context, server, word string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, statusWithin)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", server)
	if err != nil {
		return "", fmt.Errorf("no server at %s: %w", server, err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return "", fmt.Errorf("ask %s: %w", server, err)
	}
	reply, err := io.ReadAll(io.LimitReader(conn, statusMaxSize))
	switch {
	case err != nil:
		return "", fmt.Errorf("ask %s: %w", server, err)
	case len(reply) == 0:
		return "", fmt.Errorf("ask %s: %w", server, errors.New("it closed the connection without an answer"))
	}
	return string(reply), nil
}

// statusFields takes "Name: value" lines apart.
func statusFields(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			fields[name] = value
		}
	}
	return fields
}
