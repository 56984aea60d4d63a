// Command promql checks alert rules and a dashboard as Prometheus reads them,
// and prints every series that they ask for: the name of the metric, and a
// label and its value for each label that has to be just that.
//
//	promql RULES DASHBOARD
package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	expressions, errs := ofRules(os.Args[1])
	more, err := ofDashboard(os.Args[2])
	if err != nil {
		errs = append(errs, err)
	}
	for _, text := range append(expressions, more...) {
		if err := show(text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", text, err))
		}
	}
	for _, err := range errs {
		fmt.Fprintln(os.Stderr, err)
	}
	if len(errs) > 0 {
		os.Exit(1)
	}
}

// ofRules reads the expressions of a rules file, with the checks of promtool.
func ofRules(path string) (expressions []string, errs []error) {
	groups, errs := rulefmt.ParseFile(path, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
	if groups == nil {
		return nil, errs
	}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			expressions = append(expressions, rule.Expr)
		}
	}
	return expressions, errs
}

// ofDashboard finds every expression of a dashboard. Grafana fills in its
// variables before Prometheus reads one.
func ofDashboard(path string) (expressions []string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var walk func(any)
	walk = func(node any) {
		switch n := node.(type) {
		case map[string]any:
			for key, value := range n {
				if text, ok := value.(string); ok && key == "expr" {
					expressions = append(expressions, strings.ReplaceAll(text, "$__rate_interval", "5m"))
				}
				walk(value)
			}
		case []any:
			for _, value := range n {
				walk(value)
			}
		}
	}
	walk(whole)
	return expressions, nil
}

// show prints what an expression asks for.
func show(text string) error {
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return err
	}
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		line := []string{selector.Name}
		for _, m := range selector.LabelMatchers {
			if m.Type == labels.MatchEqual && m.Name != model.MetricNameLabel {
				line = append(line, fmt.Sprintf("%s=%q", m.Name, m.Value))
			}
		}
		fmt.Println(strings.Join(line, "\t"))
		return nil
	})
	return nil
}
