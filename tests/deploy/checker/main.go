// Reads the files of deploy/ as the programs that they are for do, without a daemon or an API server.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 3 || (os.Args[1] != "compose" && os.Args[1] != "manifests") {
		fmt.Fprintln(os.Stderr, "say compose FILE, or manifests FILE ...")
		os.Exit(2)
	}
	status := 0
	for _, name := range os.Args[2:] {
		check := checkManifest
		if os.Args[1] == "compose" {
			check = printProject
		}
		if err := check(name); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			status = 1
		}
	}
	os.Exit(status)
}
