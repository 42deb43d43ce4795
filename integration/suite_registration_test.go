package integration_test

import (
	"testing"
)

// brokerRegistration is the part of /brokers/ids/N that every client reads.
type brokerRegistration struct {
	Endpoints []string `json:"endpoints"`
	Host      string   `json:"host"`
	Version   int      `json:"version"`
}

func (c *cluster) testBrokerRegisters(t *testing.T) {
	var registered brokerRegistration
	stat := c.readJSON(t, c.registration(), &registered)
	if want := "PLAINTEXT://" + c.broker.Address(); len(registered.Endpoints) != 1 || registered.Endpoints[0] != want {
		t.Errorf("endpoints = %q, want %q", registered.Endpoints, want)
	}
	if registered.Host != "127.0.0.1" || registered.Version != 5 {
		t.Errorf("registration = %+v", registered)
	}
	if stat.EphemeralOwner == 0 {
		t.Error("the registration is not ephemeral")
	}
	line, err := c.connectionOf(stat.EphemeralOwner)
	if err != nil {
		t.Fatal(err)
	}
	if line == "" {
		t.Errorf("the owner of the registration, 0x%x, is no live session", uint64(stat.EphemeralOwner))
	}
	if c.chroot != "" {
		if found, _, err := c.client.Exists("/brokers"); err != nil || found {
			t.Errorf("/brokers outside the chroot: %v, %v", found, err)
		}
	}
}

// controllerRecord is /controller.
type controllerRecord struct {
	BrokerID int `json:"brokerid"`
}

func (c *cluster) testControllerElected(t *testing.T) {
	_, registration := c.mustRead(t, c.registration())
	var controller controllerRecord
	stat := c.readJSON(t, "/controller", &controller)
	if controller.BrokerID != c.broker.ID() {
		t.Errorf("controller is broker %d, want %d", controller.BrokerID, c.broker.ID())
	}
	if stat.EphemeralOwner != registration.EphemeralOwner {
		t.Errorf("owner of /controller 0x%x, of the registration 0x%x", uint64(stat.EphemeralOwner), uint64(registration.EphemeralOwner))
	}
	if epoch, _ := c.mustRead(t, "/controller_epoch"); string(epoch) != "1" {
		t.Errorf("/controller_epoch = %q, want 1", epoch)
	}
}
