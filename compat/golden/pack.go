package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// pack writes the files of a directory into a compressed archive, which makes
// the zeroes at the ends of logs cost nothing.
func pack(archive, dir string) error {
	return writeCompressed(archive, func(w io.Writer) error {
		t := tar.NewWriter(w)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
			if err != nil {
				return err
			}
			header := &tar.Header{Name: entry.Name(), Mode: 0o644, Size: int64(len(content))}
			if err := t.WriteHeader(header); err != nil {
				return err
			}
			if _, err := t.Write(content); err != nil {
				return err
			}
		}
		return t.Close()
	})
}

func writeDump(path string, s *state) error {
	return writeCompressed(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(s)
	})
}

func writeCompressed(path string, write func(io.Writer) error) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	z, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := write(z); err != nil {
		return err
	}
	return z.Close()
}
