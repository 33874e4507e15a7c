// SPDX-License-Identifier: Apache-2.0

// A client of the container runtime interface that asks as kubelet does, one call per run:
//
//	cri version
//	cri pod FILE key=value...             makes a sandbox, prints its id; keeps in FILE what the others need.
//	                                      name, namespace, uid, parent (cgroup); pid, network = pod (default), node;
//	                                      handler (runtime class); privileged = true; annotation:KEY
//	cri container FILE NAME IMAGE COMMAND...   creates and starts a container in that pod, prints its id;
//	                                      NAME:1: the first restart of NAME, and so on
//	cri wait ID                           until it has ended; prints its exit code
//	cri exec ID COMMAND...                runs it in the container, copies its output and exit code
//	cri stop ID, cri remove ID            a container
//	cri remove-pod FILE                   with all that is in it
//
// CRI_SOCKET is the runtime's socket.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	rt "k8s.io/cri-api/pkg/apis/runtime/v1"
)

type pod struct {
	ID         string
	Config     *rt.PodSandboxConfig
	Privileged bool
}

var ctx, runtime = connect()

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "cri:", err)
		os.Exit(1)
	}
	return v
}

func connect() (context.Context, rt.RuntimeServiceClient) {
	conn := must(grpc.NewClient("unix://"+os.Getenv("CRI_SOCKET"), grpc.WithTransportCredentials(insecure.NewCredentials())))
	c, _ := context.WithTimeout(context.Background(), 2*time.Minute)
	return c, rt.NewRuntimeServiceClient(conn)
}

func namespaceMode(s string) rt.NamespaceMode {
	switch s {
	case "node":
		return rt.NamespaceMode_NODE
	case "pod":
		return rt.NamespaceMode_POD
	}
	return rt.NamespaceMode_CONTAINER
}

func runPod(file string, args []string) {
	v := map[string]string{"network": "pod"}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		v[key] = value
	}
	p := pod{Privileged: v["privileged"] == "true"}
	p.Config = &rt.PodSandboxConfig{
		Metadata:     &rt.PodSandboxMetadata{Name: v["name"], Namespace: v["namespace"], Uid: v["uid"]},
		Hostname:     v["name"],
		LogDirectory: file + ".logs",
		Labels: map[string]string{
			"io.kubernetes.pod.name": v["name"], "io.kubernetes.pod.namespace": v["namespace"], "io.kubernetes.pod.uid": v["uid"]},
		Annotations: map[string]string{"kubernetes.io/config.source": "api"},
		Linux: &rt.LinuxPodSandboxConfig{
			CgroupParent: v["parent"],
			SecurityContext: &rt.LinuxSandboxSecurityContext{
				Privileged: p.Privileged,
				NamespaceOptions: &rt.NamespaceOption{
					Network: namespaceMode(v["network"]), Pid: namespaceMode(v["pid"])}}}}
	for key, value := range v {
		if name, ok := strings.CutPrefix(key, "annotation:"); ok {
			p.Config.Annotations[name] = value
		}
	}
	if v["network"] == "node" {
		p.Config.Hostname = ""
	}
	p.ID = must(runtime.RunPodSandbox(ctx, &rt.RunPodSandboxRequest{Config: p.Config, RuntimeHandler: v["handler"]})).PodSandboxId
	must(0, os.WriteFile(file, must(json.Marshal(p)), 0o600))
	fmt.Println(p.ID)
}

func loadPod(file string) (p pod) {
	must(0, json.Unmarshal(must(os.ReadFile(file)), &p))
	return p
}

func runContainer(p pod, name, image string, command []string) {
	name, attempt, _ := strings.Cut(name, ":")
	if attempt == "" {
		attempt = "0"
	}
	labels := map[string]string{"io.kubernetes.container.name": name}
	for k, v := range p.Config.Labels {
		labels[k] = v
	}
	config := &rt.ContainerConfig{
		Metadata:    &rt.ContainerMetadata{Name: name, Attempt: uint32(must(strconv.ParseUint(attempt, 10, 32)))},
		Image:       &rt.ImageSpec{Image: image},
		Command:     command,
		Labels:      labels,
		Annotations: map[string]string{"io.kubernetes.container.restartCount": attempt},
		LogPath:     name + "." + attempt + ".log",
		Linux: &rt.LinuxContainerConfig{
			Resources: &rt.LinuxContainerResources{CpuShares: 2, OomScoreAdj: 1000},
			SecurityContext: &rt.LinuxContainerSecurityContext{
				Privileged:       p.Privileged,
				NamespaceOptions: p.Config.Linux.SecurityContext.NamespaceOptions}}}
	id := must(runtime.CreateContainer(ctx, &rt.CreateContainerRequest{
		PodSandboxId: p.ID, Config: config, SandboxConfig: p.Config})).ContainerId
	must(runtime.StartContainer(ctx, &rt.StartContainerRequest{ContainerId: id}))
	fmt.Println(id)
}

func wait(id string) {
	for {
		s := must(runtime.ContainerStatus(ctx, &rt.ContainerStatusRequest{ContainerId: id})).Status
		if s.State == rt.ContainerState_CONTAINER_EXITED {
			fmt.Println(s.ExitCode)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func execute(id string, command []string) {
	r := must(runtime.ExecSync(ctx, &rt.ExecSyncRequest{ContainerId: id, Cmd: command, Timeout: 60}))
	os.Stdout.Write(r.Stdout)
	os.Stderr.Write(r.Stderr)
	os.Exit(int(r.ExitCode))
}

func main() {
	a := os.Args[1:]
	switch {
	case len(a) == 1 && a[0] == "version":
		v := must(runtime.Version(ctx, &rt.VersionRequest{}))
		fmt.Println(v.RuntimeName, v.RuntimeVersion)
	case len(a) > 2 && a[0] == "pod":
		runPod(a[1], a[2:])
	case len(a) > 4 && a[0] == "container":
		runContainer(loadPod(a[1]), a[2], a[3], a[4:])
	case len(a) == 2 && a[0] == "wait":
		wait(a[1])
	case len(a) > 2 && a[0] == "exec":
		execute(a[1], a[2:])
	case len(a) == 2 && a[0] == "stop":
		must(runtime.StopContainer(ctx, &rt.StopContainerRequest{ContainerId: a[1]}))
	case len(a) == 2 && a[0] == "remove":
		must(runtime.RemoveContainer(ctx, &rt.RemoveContainerRequest{ContainerId: a[1]}))
	case len(a) == 2 && a[0] == "remove-pod":
		id := loadPod(a[1]).ID
		must(runtime.StopPodSandbox(ctx, &rt.StopPodSandboxRequest{PodSandboxId: id}))
		must(runtime.RemovePodSandbox(ctx, &rt.RemovePodSandboxRequest{PodSandboxId: id}))
	default:
		fmt.Fprintln(os.Stderr, "usage: see the top of main.go")
		os.Exit(2)
	}
}
