package integration_test

import (
	"kafkacoord/coord/wire"
	"kafkacoord/integration/treedump"
)

// dump reads the whole tree of the running server.
func (h *handover) dump() treedump.Dump {
	h.t.Helper()
	whole, err := treedump.Read(h.t.Context(), h.client)
	if err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
	return whole
}

// do sends all requests before it waits for the first reply, and wants all of
// them to succeed.
func (h *handover) do(requests []wire.Request) {
	h.t.Helper()
	if _, err := treedump.Do(h.t.Context(), h.client, requests); err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
}
