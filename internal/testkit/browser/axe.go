package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// axeEnv names the file axe.min.js, where it is not in its usual place.
const axeEnv = "PORTAL_TEST_AXE"

// axeRun checks the document against WCAG 2.2 at the levels A and AA and
// returns a line for each place that breaks a rule.
const axeRun = `axe.run(document, {
	resultTypes: ['violations'],
	runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
}).then(result => result.violations.flatMap(rule => rule.nodes.map(node =>
	rule.id + ' (' + rule.impact + '): ' + rule.help + ': ' + node.target.join(' ') + ': ' +
	node.failureSummary.split('\n').slice(1).map(line => line.trim()).join('; '))))`

// Axe checks the page as it now stands with axe-core and returns what violates
// WCAG 2.2 AA. It is t that ends if axe cannot run.
func (p *Page) Axe(t testing.TB) []string {
	t.Helper()
	if p.noScript {
		t.Fatalf("browser: axe cannot run in a page without scripts")
	}
	source, err := axeSource()
	if err != nil {
		t.Fatalf("browser: %v", err)
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	violations, err := evaluate[[]string](ctx, source+";\n"+axeRun)
	if err != nil {
		t.Fatalf("browser: axe does not run: %v", err)
	}
	return violations
}

func axeSource() (string, error) {
	file := os.Getenv(axeEnv)
	if file == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		file = filepath.Join(root, "internal", "testkit", "axe", "node_modules", "axe-core", "axe.min.js")
	}
	source, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("axe-core is missing; run npm ci in internal/testkit/axe or set %s: %w", axeEnv, err)
	}
	return string(source), nil
}

// moduleRoot is the folder of go.mod above the folder the test runs in.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", errors.New("no go.mod above the working folder")
		}
		folder = above
	}
}
