package server

import (
	"fmt"
	"io"
	"net"
	"time"
)

const (
	// wordTimeout bounds one four-letter word from dial to answer.
	wordTimeout = 10 * time.Second
	// wordAnswerMax bounds the answer: wchp of a big server is the longest.
	wordAnswerMax = 64 << 20
)

// FourLetterWord sends the word to the client port and returns the answer.
func (s *Server) FourLetterWord(word string) (string, error) {
	return FourLetterWord(s.Connect(), word)
}

// FourLetterWord sends a four-letter word such as "srvr" to a ZooKeeper
// server's client port and returns everything it answers until it closes the
// connection. ZooKeeper: command/FourLetterCommands.java.
func FourLetterWord(address, word string) (string, error) {
	connection, err := net.DialTimeout("tcp", address, wordTimeout)
	if err != nil {
		return "", fmt.Errorf("server: ask %s for %s: %w", address, word, err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(wordTimeout)); err != nil {
		return "", fmt.Errorf("server: ask %s for %s: %w", address, word, err)
	}
	if _, err := io.WriteString(connection, word); err != nil {
		return "", fmt.Errorf("server: ask %s for %s: %w", address, word, err)
	}
	answer, err := io.ReadAll(io.LimitReader(connection, wordAnswerMax))
	if err != nil {
		return string(answer), fmt.Errorf("server: read what %s answers to %s: %w", address, word, err)
	}
	return string(answer), nil
}
