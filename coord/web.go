package coord

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"kafkacoord/coord/admin"
	"kafkacoord/coord/metrics"
)

// webServers are the HTTP listeners of a node.
type webServers struct {
	servers  []*http.Server
	listener net.Listener // of the metrics
}

// startWeb opens the metrics endpoint.
func (n *Node) startWeb() error {
	m := n.config.Metrics
	if !m.Enabled {
		return nil
	}
	handler, err := metrics.Handler(n.observer.set, metrics.Options{
		Runtime: m.ExportRuntime, Version: admin.ProductVersion(), ZooKeeperVersion: admin.Version(),
		Refresh: func() {
			status := source{n}.Status(admin.DetailCounts | admin.DetailMember)
			admin.Publish(&status, n.observer.set)
		},
	})
	if err != nil {
		return fmt.Errorf("coord: metrics: %w", err)
	}
	address := net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("coord: metrics port %s: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", handler)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	n.web.servers = append(n.web.servers, srv)
	n.web.listener = l
	n.log.Info("serving metrics", "address", l.Addr().String())
	n.tasks.Go(func() {
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			n.log.Error("the metrics port failed", "error", err)
		}
	})
	return nil
}

// MetricsAddr is the address of the metrics endpoint; empty when it is off.
func (n *Node) MetricsAddr() string {
	if n.web.listener == nil {
		return ""
	}
	return n.web.listener.Addr().String()
}

func (w *webServers) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range w.servers {
		if s.Shutdown(ctx) != nil {
			_ = s.Close()
		}
	}
}
