// The mock backend of HashiCorp's SDK as a plugin: each of its paths exercises one part of the plugin protocol.
package main

import (
	"log"
	"os"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/plugin"
	"github.com/hashicorp/vault/sdk/plugin/mock"
)

func main() {
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
	tls := api.VaultPluginTLSProvider(meta.GetTLSConfig())
	if err := plugin.ServeMultiplex(&plugin.ServeOpts{BackendFactoryFunc: mock.Factory, TLSProviderFunc: tls}); err != nil {
		log.Fatal(err)
	}
}
