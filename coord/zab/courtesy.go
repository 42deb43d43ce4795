package zab

import "kafkacoord/coord/wire"

// Limits of what servers that do not vote, who can be anybody, get from us.
const (
	// answersMax is how often a server is answered within MinNotification. Two
	// servers, each of which holds the other for a non-voter, would otherwise
	// answer each other without end.
	answersMax = 4
	// strangersMax is how many servers outside the list are remembered.
	strangersMax = 256
)

// courtesy is how an election deals with servers that do not vote, and what it
// has told the operator about others. Its size is bounded.
type courtesy struct {
	answers map[wire.PeerID]int // until forget
	forget  wire.Millis

	noted     map[wire.PeerID]bool // in this round
	differing map[wire.PeerID]bool // known to have another list
	alike     string               // another text of the own list
}

func newCourtesy() courtesy {
	return courtesy{
		answers: make(map[wire.PeerID]int), noted: make(map[wire.PeerID]bool), differing: make(map[wire.PeerID]bool),
	}
}

// mayAnswer counts an answer. The first one sets the time when all are forgotten.
func (c *courtesy) mayAnswer(to wire.PeerID, known bool, forget wire.Millis) bool {
	if len(c.answers) == 0 {
		c.forget = forget
	}
	count, found := c.answers[to]
	if count == answersMax || !found && !known && len(c.answers) >= strangersMax {
		return false
	}
	c.answers[to] = count + 1
	return true
}

// worthNoting tells whether the operator has not been told about a server in this
// round.
func (c *courtesy) worthNoting(from wire.PeerID) bool {
	if c.noted[from] || len(c.noted) >= strangersMax {
		return false
	}
	c.noted[from] = true
	return true
}

func (c *courtesy) tick(now wire.Millis) {
	if now >= c.forget {
		clear(c.answers)
	}
}

func (c *courtesy) wake() wire.Millis {
	if len(c.answers) == 0 {
		return never
	}
	return c.forget
}
