package main

import (
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/cli"
)

// printProject prints as JSON what docker compose would start: every profile, with the environment and .env put in.
func printProject(name string) error {
	options, err := cli.NewProjectOptions([]string{name}, cli.WithOsEnv, cli.WithEnvFiles(), cli.WithDotEnv, cli.WithProfiles([]string{"*"}))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	written, err := project.MarshalJSON()
	fmt.Println(string(written))
	return err
}
