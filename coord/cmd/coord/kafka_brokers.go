package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// brokerRow is one broker as JSON.
type brokerRow struct {
	ID         int32    `json:"id"`
	Epoch      string   `json:"epoch"` // czxid of the registration
	Session    string   `json:"session"`
	Registered string   `json:"registered"`
	Rack       string   `json:"rack,omitempty"`
	Endpoints  []string `json:"endpoints"`
	Version    int32    `json:"version"`
	Controller bool     `json:"controller"`
	Leads      int      `json:"leads"`    // partitions
	Replicas   int      `json:"replicas"` // partitions
	Error      string   `json:"error,omitempty"`
}

func kafkaBrokersCommand() *cobra.Command {
	return kafkaViewCommand("brokers", "List the registered brokers", cobra.NoArgs, func(v *view.View, _ []string) (any, [][]string, error) {
		brokers := brokersOf(v)
		table := [][]string{{"id", "rack", "endpoints", "leads", "replicas", "registered", "session", "controller"}}
		for _, b := range brokers {
			controller := ""
			if b.Controller {
				controller = "yes"
			}
			endpoints := strings.Join(b.Endpoints, ",")
			if b.Error != "" {
				endpoints = b.Error
			}
			table = append(table, []string{
				strconv.Itoa(int(b.ID)), orDash(b.Rack), endpoints, strconv.Itoa(b.Leads), strconv.Itoa(b.Replicas), b.Registered, b.Session, controller,
			})
		}
		return brokers, table, nil
	})
}

func brokersOf(v *view.View) []brokerRow {
	leads, replicas := make(map[int32]int), make(map[int32]int)
	for _, t := range v.Topics() {
		for _, p := range t.Partitions {
			if p.State != nil {
				leads[p.State.Leader]++
			}
		}
		if t.Assignment == nil {
			continue
		}
		for _, list := range t.Assignment.Partitions {
			for _, id := range list {
				replicas[id]++
			}
		}
	}
	_, controller := v.Controller()
	rows := []brokerRow{}
	for _, b := range v.Brokers() {
		row := brokerRow{
			ID: b.ID, Epoch: b.Epoch().String(), Session: b.Znode.Stat.EphemeralOwner.String(), Registered: timeText(int64(b.Znode.Stat.Ctime)),
			Endpoints: []string{}, Leads: leads[b.ID], Replicas: replicas[b.ID],
			Controller: controller != nil && !controller.KRaft() && controller.Broker == b.ID,
		}
		if b.Znode.Err != nil {
			row.Error = b.Znode.Err.Error()
		}
		if b.Registration != nil {
			row.Rack, row.Version = b.Registration.Rack, b.Registration.Version
			for _, e := range b.Registration.Listeners() {
				row.Endpoints = append(row.Endpoints, e.String())
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// controllerInfo is who controls the cluster, as JSON.
type controllerInfo struct {
	Broker          int32  `json:"broker"` // -1 for none
	KRaftEpoch      int32  `json:"kraftEpoch"`
	Epoch           int32  `json:"epoch"` // -1 when it cannot be read
	Session         string `json:"session,omitempty"`
	Since           string `json:"since,omitempty"`
	Error           string `json:"error,omitempty"`
	MigrationOffset *int64 `json:"migrationOffset,omitempty"` // -1: the first copy is not complete
}

func kafkaControllerCommand() *cobra.Command {
	return kafkaViewCommand("controller", "Show who is controller, since when, and the epoch", cobra.NoArgs, func(v *view.View, _ []string) (any, [][]string, error) {
		info := controllerOf(v)
		mode := "ZooKeeper"
		if info.KRaftEpoch > 0 {
			mode = fmt.Sprintf("KRaft, epoch %d", info.KRaftEpoch)
		}
		broker, migration := "none", "-"
		if info.Broker >= 0 {
			broker = strconv.Itoa(int(info.Broker))
		}
		if info.MigrationOffset != nil {
			migration = "offset " + strconv.FormatInt(*info.MigrationOffset, 10)
		}
		table := [][]string{
			{"controller", "mode", "epoch", "since", "session", "migration", "problem"},
			{broker, mode, strconv.Itoa(int(info.Epoch)), orDash(info.Since), orDash(info.Session), migration, orDash(info.Error)},
		}
		return info, table, nil
	})
}

func controllerOf(v *view.View) controllerInfo {
	info := controllerInfo{Broker: -1, KRaftEpoch: model.NoKRaftEpoch, Epoch: -1}
	z, controller := v.Controller()
	if z != nil {
		info.Since = timeText(int64(z.Stat.Ctime))
		if z.Stat.EphemeralOwner != 0 {
			info.Session = z.Stat.EphemeralOwner.String()
		}
		if z.Err != nil {
			info.Error = z.Err.Error()
		}
	}
	if controller != nil {
		info.Broker, info.KRaftEpoch = controller.Broker, controller.KRaftEpoch
	}
	if _, epoch := v.ControllerEpoch(); epoch != nil {
		info.Epoch = epoch.Epoch
	}
	if _, migration := v.Migration(); migration != nil {
		info.MigrationOffset = &migration.MetadataOffset
	}
	return info
}
