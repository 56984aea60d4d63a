package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// licences are those that the program's parts may stand under, by words that
// only they have; the first that fits counts.
var licences = []struct {
	id    string
	words []string
}{
	{"Apache-2.0", []string{"Apache License", "Version 2.0"}},
	{"MIT", []string{"Permission is hereby granted, free of charge, to any person obtaining a copy"}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "Neither the name", "endorse or promote products"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms", "DISCLAIMED"}},
}

// licenceIn reads the licence of a module. One that is not known here ends the
// making of the bill: somebody has to look at it first.
func licenceIn(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("its source is not here; run go mod download")
	}
	for _, name := range []string{"LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			return licenceOf(string(text))
		}
	}
	return "", fmt.Errorf("there is no licence in %s", dir)
}

func licenceOf(text string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	for _, licence := range licences {
		if containsAll(text, licence.words) {
			return licence.id, nil
		}
	}
	return "", fmt.Errorf("its licence is none that we know; look at it, and add it to cmd/sbom or do without the module: %.60s…", text)
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
